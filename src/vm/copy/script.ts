import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { ExecResult } from '../../guest/agent/exec.ts';
import { cleanText } from '../../guest/agent/reply.ts';
import { assetText } from '../../sys/assets.ts';
import type { Running } from '../host/running.ts';

/** Of what a program in the guest says about its failure, in characters. */
const maxWords = 2000;

export interface ScriptOptions extends Progress {
  /** Milliseconds after which it is ended. By default, there is no limit. */
  readonly timeoutMs?: number;
  /** Told each line that it prints. */
  readonly onLine?: (line: string) => void;
}

/** Splits output into lines, the last one when it is complete. */
function lineReader(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    // A guest that never ends its line uses up nothing.
    rest = (lines.pop() ?? '').slice(-maxWords);
    for (const line of lines) onLine(line);
  };
}

/**
 * Runs a program of guest/transfer in the guest.
 * @throws KameError GUEST_FAILED with what it said if it fails; as GuestAgent.exec
 */
export async function runScript(
  machine: Running,
  name: 'put' | 'get' | 'archive',
  args: readonly string[],
  { onLine = () => undefined, ...options }: ScriptOptions,
): Promise<void> {
  let words = '';
  const result: ExecResult = await machine.channels.agent.exec({
    path: '/bin/sh',
    args: ['-c', assetText(`guest/transfer/${name}.sh`), 'kame', ...args],
    ...options,
    onStdout: lineReader(onLine),
    onStderr: (chunk) => void (words = (words + chunk.toString('utf8')).slice(-maxWords)),
  });
  if (result.exitCode === 0) return;
  const how = result.signal === null ? `exit code ${result.exitCode}` : `signal ${result.signal}`;
  const said = cleanText(words.trim());
  throw new KameError(
    'GUEST_FAILED',
    `The guest of ${machine.name} could not copy the files: ${said === '' ? how : said}`,
    {
      next: 'Read what the guest said, and copy again.',
      details: { machine: machine.name },
    },
  );
}
