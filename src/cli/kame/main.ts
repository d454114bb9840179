import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { version } from '../../core/version.ts';
import type { CliContext } from '../context.ts';
import { examples } from '../options.ts';
import { Session } from '../session.ts';
import { findVerb, verbs } from './verbs.ts';

/** The words of a command line that are for Kame: those after `--` are for the guest. */
function ownWords(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end < 0 ? argv : argv.slice(0, end);
}

/** Columns of a help text without a terminal, or on one without a width. */
const plainWidth = 80;

function newProgram(context: CliContext): Command {
  return new Command('kame')
    .description('Creates, runs and manages virtual machines.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      // Session.fail prints all errors in the same way.
      writeErr: () => undefined,
      outputError: () => undefined,
      // The width of the session's output, so that a help text is the same everywhere except on a terminal.
      getOutHelpWidth: () => (context.stdout.isTTY === true && context.stdout.columns) || plainWidth,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

/** Adds the names and summaries of all verbs, for the help text and for suggestions. */
function addSummaries(program: Command): void {
  for (const verb of verbs) {
    const command = program.command(verb.name).summary(verb.summary).helpGroup(verb.group);
    if (verb.alias !== undefined) command.alias(verb.alias);
  }
  program.addHelpText(
    'after',
    `${examples('kame create demo --start', 'kame exec demo -- uname -a', 'kame snapshot take demo clean', 'kame stop demo')}

Each verb has --help, with examples, and --json. Exit codes: 0 success, 1 failed, 2 wrong usage, 3 no such machine or
snapshot, 4 wrong state, 5 engine or host problem. KAME_HOME is the directory for all files (default: ~/.kame).`,
  );
}

/** The command that the words name, as far as they name subcommands: `network forward add`. */
function commandOf([first, ...rest]: readonly string[], program: Command): CommandUnknownOpts | undefined {
  const verb = findVerb(first);
  let command: CommandUnknownOpts | undefined = program.commands.find((one) => one.name() === verb?.name);
  for (const word of rest) {
    const sub = command?.commands.find((one) => one.name() === word || one.alias() === word);
    if (!sub) break;
    command = sub;
  }
  return command;
}

/** The whole name of a command: `kame network forward add`. */
function fullName(command: CommandUnknownOpts): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

/** An error of Commander as a KameError. Its suggestion becomes the next step. */
function usageError(error: CommanderError, argv: readonly string[], program: Command): KameError {
  const command = commandOf(argv, program);
  const form = command && fullName(command);
  if (command && error.code === 'commander.help') {
    const names = command.commands.map((one) => one.name()).join(', ');
    return new KameError('USAGE', `${form} needs a subcommand: ${names}.`, {
      next: `\`${form} --help\` explains them.`,
    });
  }
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const sentence = `${first.charAt(0).toUpperCase()}${first.slice(1)}`.replace(/([^.?!])$/, '$1.');
  const help = form === undefined ? '`kame --help` lists the verbs.' : `\`${form} --help\` shows its usage.`;
  const hint = more.join(' ').replace(/^\((.*)\)$/, '$1');
  return new KameError('USAGE', sentence, { next: hint === '' ? help : `${hint} ${help}` });
}

async function dispatch(argv: readonly string[], program: Command, session: Session): Promise<void> {
  const verb = findVerb(argv[0]);
  if (verb) (await verb.load()).define(program, session);
  else addSummaries(program);
  if (argv.length === 0) program.outputHelp();
  else await program.parseAsync([...argv], { from: 'user' });
}

/** `kame help VERB` is `kame VERB --help`. */
function withoutHelpVerb(argv: readonly string[]): readonly string[] {
  if (argv[0] !== 'help') return argv;
  return argv.length === 1 ? ['--help'] : [...argv.slice(1), '--help'];
}

/**
 * Runs one command line of `kame`, without the program's name.
 * @returns the exit code
 */
export async function main(given: readonly string[], context: CliContext): Promise<number> {
  // A reader such as head may close the pipe early, which is not an error.
  for (const stream of [context.stdout, context.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      context.exit(error.code === 'EPIPE' ? 0 : 1);
    });
  }
  const argv = withoutHelpVerb(given);
  const session = new Session(context, { json: ownWords(argv).includes('--json') });
  const program = newProgram(context);
  try {
    if (argv[0] === '__complete') {
      const { complete } = await import('./complete.ts');
      await complete(argv.slice(1), session);
    } else await dispatch(argv, program, session);
  } catch (error) {
    if (!(error instanceof CommanderError)) session.fail(error);
    else if (error.exitCode !== 0) session.fail(usageError(error, argv, program));
  } finally {
    session.close();
  }
  return session.exitCode;
}
