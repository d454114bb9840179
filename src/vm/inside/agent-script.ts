import type { Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { operationFailed } from '../../guest/tools/operation-reply.ts';
import { assetText } from '../../sys/assets.ts';
import type { Running } from '../host/running.ts';

/** The most that the script may print. */
const maxBytes = 8 * 1024 * 1024;
const maxSaid = 2000;

/**
 * Runs guest/agent/operate.sh through the guest agent.
 * @param words the operation and its arguments
 * @returns what it printed after its first line
 * @throws KameError GUEST_FAILED with the code of the script as the detail `reason`, GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED
 */
export async function runOperation(
  machine: Running,
  words: readonly string[],
  deadline: Deadline,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let [bytes, said] = [0, ''];
  await machine.channels.agent.exec({
    path: '/bin/sh',
    args: ['-c', assetText('guest/agent/operate.sh'), 'sh', ...words],
    ...deadline.progress,
    timeoutMs: Math.ceil(deadline.leftMs),
    deadline,
    onStdout: (chunk) => {
      bytes += chunk.length;
      if (bytes > maxBytes)
        throw new KameError('GUEST_FAILED', `The guest answered with more than ${maxBytes} bytes.`);
      chunks.push(chunk);
    },
    onStderr: (chunk) => {
      said = (said + chunk.toString('utf8')).slice(-maxSaid);
    },
  });
  const reply = Buffer.concat(chunks);
  const end = reply.indexOf('\n');
  const [first, code] = reply.subarray(0, Math.max(end, 0)).toString('latin1').split(' ');
  if (first === 'ok') return reply.subarray(end + 1);
  throw operationFailed(code, said.trim() || codeWords.get(code ?? '') || 'a program in it has failed');
}

/** What a code means, where no program in the guest has said it. */
const codeWords = new Map([
  ['noSuchFile', 'there is no such file or directory'],
  ['exists', 'the file exists'],
  ['notDirectory', 'it is not a directory'],
  ['isDirectory', 'it is a directory'],
  ['denied', 'permission is denied'],
  ['noSuchProcess', 'there is no such process'],
]);
