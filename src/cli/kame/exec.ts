import { fstatSync } from 'node:fs';
import type { Command } from '@commander-js/extra-typings';
import type { ExecRequest } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { TerminalInput } from '../context.ts';
import { collect, examples, given, jsonShape, keyValue, seconds } from '../options.ts';
import type { Session } from '../session.ts';
import { writeAll } from '../write-all.ts';

/** The most output that `--json` keeps, in bytes. */
const maxKept = 64 * 1024 * 1024;
/** Shells report this plus the number of the signal for a command that a signal ended. */
const signalBase = 128;

/** Whether standard input is a pipe, a file or a socket, and not a terminal or /dev/null. */
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
        next: 'Run it without --json, which streams the output.',
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
      waiting: (stage) => session.note(`${name}: ${stage}`),
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
      'Runs a command in the guest through the guest agent. Its output is streamed, and its exit code becomes that of ' +
        'kame (128 + n if signal n ended it). Standard input is passed to the command if it is a pipe or a file. ' +
        'The command does not run in a shell: use sh -c for that.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<command...>', 'command and arguments, after --')
    .option('--timeout <seconds>', 'end the command after this time', seconds('--timeout'))
    .option('-i, --stdin', 'pass standard input to the command, even from a terminal')
    .option('--no-stdin', 'never pass standard input to the command')
    .option('--env <key=value>', 'set an environment variable; may be repeated', collect)
    .option('--json', jsonShape('{exitCode, signal, stdout, stderr}, after the command has ended'))
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
        stdin: wantsInput(options.stdin, session),
        ...given({
          env: variables && Object.fromEntries(variables.map(({ key, value }) => [key, value])),
          timeoutMs: options.timeout,
        }),
      });
    });
}

/** Without --stdin or --no-stdin it depends on what standard input is. */
function wantsInput(option: boolean | undefined, session: Session): boolean {
  return option ?? isPiped(session.context.stdin);
}
