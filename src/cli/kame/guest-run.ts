import { createReadStream } from 'node:fs';
import type { Command, OptionValues } from '@commander-js/extra-typings';
import type { ExecRequest, StartInGuest } from '../../api/generated/shapes.ts';
import { maxScriptBytes } from '../../api/limits.ts';
import { fileError } from '../../sys/files.ts';
import { cappedText } from '../capped-text.ts';
import { isPiped } from '../guest-command.ts';
import {
  directoryOption,
  machineText,
  userOption,
  variablesOf,
  variablesOption,
  waitForGuest,
} from '../guest-options.ts';
import { examples, filled, given, jsonShape, seconds } from '../options.ts';
import { execute } from '../run-and-print.ts';
import type { Session } from '../session.ts';

interface Options {
  readonly wait: boolean;
  readonly user?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly timeout?: number | undefined;
}

/** Runs a command and streams its output, or starts it and prints the number of its process. */
async function run(
  session: Session,
  name: string,
  request: Pick<StartInGuest, 'command' | 'script'>,
  { wait, user, cwd, env, timeout }: Options,
  stdin: boolean,
): Promise<void> {
  const common = given({ user, cwd, env: variablesOf(env) });
  if (wait) {
    const asked: ExecRequest = { ...request, stdin, ...common, ...given({ timeoutMs: timeout }) };
    await execute(session, name, asked);
    return;
  }
  const { signal } = session;
  const reply = session.client.guestProcesses.start(
    session.machine(name),
    { ...request, ...common },
    { signal },
  );
  const started = await waitForGuest(session, name, reply);
  if (session.json) session.printJson(started);
  else session.print(`${name}: process ${started.pid} was started`);
}

/** Gives a verb the options of a run, after its own. @param what what it runs, such as `script` */
function withRunOptions<Args extends unknown[], Own extends OptionValues>(
  verb: Command<Args, Own>,
  what: string,
) {
  return verb
    .option('--no-wait', 'start it and do not wait for its end')
    .option('--timeout <seconds>', `end the ${what} after this time`, seconds('--timeout'))
    .option(...userOption)
    .option(...directoryOption)
    .option(...variablesOption)
    .option('--json', jsonShape('{exitCode, signal, stdout, stderr}, or with --no-wait StartedInGuest'));
}

function defineProgram(parent: Command, session: Session): void {
  const verb = parent
    .command('run')
    .summary('run a program in the guest, or start it without waiting')
    .description(
      'Runs a program in the guest as kame exec does, or with --no-wait starts it and prints the number of its process: it has ' +
        'no input, its output is lost, and it goes on when the command has ended.',
    )
    .argument('<name>', machineText)
    .argument('<command...>', 'command and arguments, after --');
  withRunOptions(verb, 'command')
    .addHelpText(
      'after',
      examples('kame guest run demo --user alice -- id', 'kame guest run demo --no-wait -- sleep 60'),
    )
    .action(async (name, command, options) => {
      await run(session, name, { command }, options, isPiped(session.context));
    });
}

/** The text of a script; of standard input for `-`. @throws KameError FILE_ACCESS, USAGE when it is too long */
async function scriptText(session: Session, file: string): Promise<string> {
  if (file === '-') return await cappedText(session.context.stdin, 'The script', maxScriptBytes);
  const path = session.path(file);
  // It may be a pipe, as of <(…).
  return await cappedText(createReadStream(path), path, maxScriptBytes).catch((error: unknown) => {
    throw fileError(error, path);
  });
}

function defineScript(parent: Command, session: Session): void {
  const verb = parent
    .command('script')
    .summary('run a script of this computer in the guest')
    .description(
      'Gives a script of this computer to an interpreter in the guest. Through kame-tools it is in no file system of the guest; ' +
        'the guest agent keeps it in a file until it ends, and takes at most 128 KiB. Its exit code becomes that of kame.',
    )
    .argument('<name>', machineText)
    .argument('<file>', 'the script; - for standard input')
    .argument('[argument...]', 'arguments of the script, after --')
    .option(
      '--interpreter <command>',
      'interpreter in the guest, and its options (default: /bin/sh)',
      filled('--interpreter'),
    );
  withRunOptions(verb, 'script')
    .addHelpText(
      'after',
      examples(
        'kame guest script demo set-up.sh -- --quick',
        'kame guest script demo report.py --interpreter python3',
      ),
    )
    .action(async (name, file, args, { interpreter = '/bin/sh', ...options }) => {
      const script = { text: await scriptText(session, file), arguments: args };
      await run(session, name, { command: interpreter.trim().split(/\s+/u), script }, options, false);
    });
}

/** The verbs of `kame guest` for programs and scripts. */
export function defineRun(parent: Command, session: Session): void {
  defineProgram(parent, session);
  defineScript(parent, session);
}
