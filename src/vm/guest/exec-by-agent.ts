import type { ExecRequest } from '../../api/messages.ts';
import type { Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { within } from '../../guest/agent/wait.ts';
import { assetText } from '../../sys/assets.ts';
import type { Running } from '../host/running.ts';
import type { CommandEnd, ExecStreams } from './exec-streams.ts';

/** Limit for the input, in bytes: the guest agent takes all of it in one request. */
const maxInputBytes = 8 * 1024 * 1024;
/** What Linux takes as one word of a command, less its end. */
const maxWordBytes = 128 * 1024 - 1;

/** All of standard input. @throws KameError INVALID_VALUE if it is too large, GUEST_TIMEOUT, CANCELLED */
async function collect(stdin: AsyncIterable<Buffer>, deadline: Deadline, name: string): Promise<Buffer> {
  return await within(readAll(stdin, name), {
    ms: deadline.leftMs,
    signal: deadline.signal,
    what: 'Reading standard input',
    onTimeout: () =>
      new KameError('GUEST_TIMEOUT', 'Standard input did not end in time, so the command was not started.', {
        next: 'Raise --timeout, or use --no-stdin if the command needs no input.',
      }),
  });
}

async function readAll(stdin: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    bytes += chunk.length;
    if (bytes > maxInputBytes) {
      throw new KameError(
        'INVALID_VALUE',
        `Standard input is larger than ${maxInputBytes} bytes, the limit of the guest agent.`,
        { next: `kame-tools in the guest takes any amount; kame tools install ${name} installs it.` },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * The words of a command for the guest agent: a script is a file in the guest, which a shell removes at the end.
 * @param name of the machine
 * @throws KameError INVALID_VALUE when a script is longer than a word of a command can be
 */
export function wordsByAgent(
  { command, script }: Pick<ExecRequest, 'command' | 'script'>,
  name: string,
): readonly string[] {
  if (script === undefined) return command;
  if (Buffer.byteLength(script.text) > maxWordBytes) {
    throw new KameError(
      'INVALID_VALUE',
      `The script is larger than ${maxWordBytes} bytes, the limit of the guest agent.`,
      { next: `kame-tools in the guest take a mebibyte; kame tools install ${name} installs them.` },
    );
  }
  const helper = assetText('guest/agent/script.sh');
  return [
    '/bin/sh',
    '-c',
    helper,
    'sh',
    script.text,
    String(command.length),
    ...command,
    ...script.arguments,
  ];
}

/**
 * Runs a command through the guest agent, which starts it when all of its input is there.
 * @param deadline when the command must have ended
 * @throws KameError GUEST_AGENT_MISSING, GUEST_TIMEOUT, GUEST_FAILED, CANCELLED, INVALID_VALUE
 */
export async function executeByAgent(
  machine: Running,
  request: ExecRequest,
  { stdin, onOutput, onStarted }: ExecStreams,
  deadline: Deadline,
): Promise<CommandEnd> {
  const { env, timeoutMs } = request;
  const [path = '', ...args] = wordsByAgent(request, machine.name);
  onStarted?.('agent');
  const input = stdin ? await collect(stdin, deadline, machine.name) : undefined;
  return await machine.channels.agent.exec({
    path,
    args,
    ...deadline.progress,
    onStdout: async (chunk) => await onOutput('stdout', chunk),
    onStderr: async (chunk) => await onOutput('stderr', chunk),
    ...(env ? { env } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs, deadline }),
    ...(input ? { input } : {}),
  });
}
