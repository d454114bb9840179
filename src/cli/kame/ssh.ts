import type { Command } from '@commander-js/extra-typings';
import type { SshTarget } from '../../api/network.ts';
import { errnoOf, KameError, messageOf } from '../../core/errors.ts';
import { runInForeground } from '../../sys/foreground.ts';
import { examples, filled, given, jsonShape, seconds } from '../options.ts';
import type { Session } from '../session.ts';
import { sshArguments } from '../ssh-options.ts';

/** @throws KameError HOST_PROBLEM if there is no ssh */
async function connect(session: Session, target: SshTarget, command: readonly string[]): Promise<number> {
  try {
    return await runInForeground('ssh', sshArguments(target, command), session.context.env);
  } catch (error) {
    const missing = errnoOf(error) === 'ENOENT';
    throw new KameError(
      'HOST_PROBLEM',
      missing ? 'The program ssh is not installed.' : `ssh could not be started: ${messageOf(error)}`,
      {
        cause: error,
        next: missing
          ? 'Debian and Ubuntu: `apt install openssh-client`. Another client can use what `kame ssh NAME --json` prints.'
          : 'Check that the program ssh can be run.',
      },
    );
  }
}

export function define(program: Command, session: Session): void {
  program
    .command('ssh')
    .description(
      'Waits until the SSH server of the guest answers, and runs the ssh of this host, whose exit code becomes that of kame. The ' +
        'guest needs an SSH server, and an adapter in a NAT or host-only network. As with ssh, the words of a command are joined ' +
        'by spaces, and run by the shell of the guest.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('[command...]', 'command to run instead of a shell, after --')
    .option('-u, --user <user>', 'user in the guest (default: that of its cloud-init seed)', filled('--user'))
    .option('--timeout <seconds>', 'how long to wait for the server (default: 60)', seconds('--timeout'))
    .option('--json', jsonShape('SshTarget, and do not connect'))
    .addHelpText(
      'after',
      examples('kame ssh web', 'kame ssh web -- uname -a', 'kame ssh web --user root --timeout 300'),
    )
    .action(async (name, command, { user, timeout }) => {
      const body = given({ user, timeoutMs: timeout });
      const target = await session.task(name, (options) =>
        session.client.machines.ssh(session.machine(name), body, options),
      );
      if (session.json) session.printJson(target);
      else {
        // From here on, Ctrl-C is for ssh.
        session.close();
        session.exitCode = await connect(session, target, command);
      }
    });
}
