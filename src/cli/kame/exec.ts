import type { Command } from '@commander-js/extra-typings';
import type { ExecRequest } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import { isPiped, runInGuest, terminalLike } from '../guest-command.ts';
import { collect, examples, filled, given, jsonShape, keyValue, seconds } from '../options.ts';
import type { Session } from '../session.ts';
import { writeAll } from '../write-all.ts';

/** The most output that `--json` keeps, in bytes. */
const maxKept = 64 * 1024 * 1024;

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
  const { stdout, stderr } = session.context;
  const kept = new Kept();
  const end = await runInGuest(session, name, request, async (stream, data) => {
    if (session.json) kept.add(stream, data);
    else await writeAll(stream === 'stdout' ? stdout : stderr, data);
  });
  if (session.json) session.printJson({ ...end, stdout: kept.text('stdout'), stderr: kept.text('stderr') });
}

export function define(program: Command, session: Session): void {
  program
    .command('exec')
    .summary('run a command in the guest')
    .description(
      'Runs a command in the guest. Its output is streamed, and its exit code becomes that of kame (128 + n if signal n ' +
        'ended it). Standard input is passed to the command if it is a pipe or a file. The command does not run in a ' +
        'shell: use sh -c for that. Where kame-tools run in the guest, input of any length is streamed and Ctrl-C goes ' +
        'to the command; otherwise the guest agent runs it, with at most 8 MiB of input. kame tools shows which.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<command...>', 'command and arguments, after --')
    .option('--timeout <seconds>', 'end the command after this time', seconds('--timeout'))
    .option('-i, --stdin', 'pass standard input to the command, even from a terminal')
    .option('--no-stdin', 'never pass standard input to the command')
    .option('-t, --tty', 'run the command on a terminal; needs kame-tools in the guest')
    .option('--user <user>', 'user of the guest; needs kame-tools (default: root)', filled('--user'))
    .option('--cwd <directory>', 'directory of the guest to run in; needs kame-tools', filled('--cwd'))
    .option('--env <key=value>', 'set an environment variable; may be repeated', collect)
    .option('--json', jsonShape('{exitCode, signal, stdout, stderr}, after the command has ended'))
    .addHelpText(
      'after',
      examples(
        'kame exec demo -- uname -a',
        `kame exec demo --timeout 10 -- sh -c 'ls -l /etc | wc -l'`,
        `tar c . | kame exec demo -- tar x -C /tmp`,
        'kame exec demo -it --user root -- top',
      ),
    )
    .action(async (name, command, options) => {
      const variables = options.env?.map((text) => keyValue(text, '--env'));
      await execute(session, name, {
        command,
        stdin: wantsInput(options.stdin, options.tty === true, session),
        ...given({
          terminal: options.tty === true ? terminalLike(session.context) : undefined,
          user: options.user,
          cwd: options.cwd,
          env: variables && Object.fromEntries(variables.map(({ key, value }) => [key, value])),
          timeoutMs: options.timeout,
        }),
      });
    });
}

/** Without --stdin or --no-stdin it depends on what standard input is. A command on a terminal has the terminal of the user. */
function wantsInput(option: boolean | undefined, tty: boolean, { context }: Session): boolean {
  return option ?? (isPiped(context.stdin) || (tty && context.stdin.isTTY === true));
}
