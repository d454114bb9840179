import type { Command } from '@commander-js/extra-typings';
import { isPiped, terminalLike } from '../guest-command.ts';
import { directoryOption, machineText, userOption, variablesOf, variablesOption } from '../guest-options.ts';
import { examples, given, jsonShape, seconds } from '../options.ts';
import { execute } from '../run-and-print.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('exec')
    .description(
      'Runs a command in the guest. Its output is streamed, and its exit code becomes that of kame (128 + n if signal n ' +
        'ended it). Standard input is passed to the command if it is a pipe or a file. The command does not run in a ' +
        'shell: use sh -c for that. Where kame-tools run in the guest, input of any length is streamed and Ctrl-C goes ' +
        'to the command; otherwise the guest agent runs it, with at most 8 MiB of input. kame tools shows which.',
    )
    .argument('<name>', machineText)
    .argument('<command...>', 'command and arguments, after --')
    .option('--timeout <seconds>', 'end the command after this time', seconds('--timeout'))
    .option('-i, --stdin', 'pass standard input to the command, even from a terminal')
    .option('--no-stdin', 'never pass standard input to the command')
    .option('-t, --tty', 'run the command on a terminal; needs kame-tools in the guest')
    .option(...userOption)
    .option(...directoryOption)
    .option(...variablesOption)
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
      await execute(session, name, {
        command,
        stdin: wantsInput(options.stdin, options.tty === true, session),
        ...given({
          terminal: options.tty === true ? terminalLike(session.context) : undefined,
          user: options.user,
          cwd: options.cwd,
          env: variablesOf(options.env),
          timeoutMs: options.timeout,
        }),
      });
    });
}

/** Without --stdin or --no-stdin it depends on what standard input is. A command on a terminal has the terminal of the user. */
function wantsInput(option: boolean | undefined, tty: boolean, { context }: Session): boolean {
  return option ?? (isPiped(context) || (tty && context.stdin.isTTY === true));
}
