import { fstatSync } from 'node:fs';
import type { Command } from '@commander-js/extra-typings';
import type { ExecRequest } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { TerminalInput } from '../context.ts';
import { collect, examples, given, jsonShape, keyValue, seconds } from '../options.ts';
import type { Session } from '../session.ts';
import { writeAll } from '../write-all.ts';

/** Bytes of output that `--json` keeps. */
const maxKept = 64 * 1024 * 1024;
/** What shells report for a command that a signal ended. */
const signalBase = 128;

/** Whether standard input is something to read to its end: a pipe or a file, not a terminal and not /dev/null. */
function isPiped(stdin: TerminalInput): boolean {
  if (stdin.isTTY === true || stdin.fd === undefined) return false;
  try {
    const found = fstatSync(stdin.fd);
    return found.isFIFO() || found.isFile() || found.isSocket();
  } catch {
    return false;
  }
}

class Kept {
  readonly #chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  #size = 0;

  add(stream: 'stdout' | 'stderr', data: Uint8Array): void {
    this.#size += data.length;
    if (this.#size > maxKept) {
      throw new KameError('USAGE', `The command wrote more than ${maxKept} bytes.`, {
        next: 'Run it without --json: the output streams then.',
      });
    }
    this.#chunks[stream].push(data);
  }

  text(stream: 'stdout' | 'stderr'): string {
    return Buffer.concat(this.#chunks[stream]).toString('utf8');
  }
}

async function execute(session: Session, name: string, request: ExecRequest): Promise<void> {
  const { stdin, stdout, stderr } = session.context;
  const kept = new Kept();
  try {
    const end = await session.client.machines.exec(session.machine(name), request, {
      signal: session.signal,
      ...(request.stdin === true ? { input: stdin as AsyncIterable<Uint8Array> } : {}),
      output: async (stream, data) => {
        if (session.json) kept.add(stream, data);
        else await writeAll(stream === 'stdout' ? stdout : stderr, data);
      },
    });
    session.exitCode = end.signal === null ? (end.exitCode ?? 1) : signalBase + end.signal;
    if (session.json) session.printJson({ ...end, stdout: kept.text('stdout'), stderr: kept.text('stderr') });
  } finally {
    // A pending read would keep the process alive.
    if (request.stdin === true) stdin.destroy();
  }
}

export function define(program: Command, session: Session): void {
  program
    .command('exec')
    .summary('run a command in the guest')
    .description(
      'Runs a command in the guest, by its agent. Output streams, and the exit status is the command’s (128 + n when ' +
        'signal n ended it). Standard input is passed on when it is a pipe or a file. The command is no shell line: ' +
        'write sh -c for one.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--timeout <seconds>', 'end the command after that time', seconds('--timeout'))
    .option('-i, --stdin', 'pass standard input on, from a terminal too')
    .option('--no-stdin', 'never pass standard input on')
    .option('--env <key=value>', 'set a variable of the environment; may be repeated', collect)
    .option('--json', jsonShape('{exitCode, signal, stdout, stderr}, when the command has ended'))
    .addHelpText(
      'after',
      examples(
        'kame exec demo -- uname -a',
        `kame exec demo --timeout 10 -- sh -c 'ls -l /etc | wc -l'`,
        `tar c . | kame exec demo -- tar x -C /tmp`,
      ),
    )
    .action(async (name, command, options) => {
      const variables = options.env?.map((text) => keyValue(text, '--env'));
      await execute(session, name, {
        command,
        // When nothing is said, it depends on what standard input is.
        stdin: wantsInput(options.stdin, session),
        ...given({
          env: variables && Object.fromEntries(variables.map(({ key, value }) => [key, value])),
          timeoutMs: options.timeout,
        }),
      });
    });
}

function wantsInput(said: boolean | undefined, session: Session): boolean {
  return said ?? isPiped(session.context.stdin);
}
