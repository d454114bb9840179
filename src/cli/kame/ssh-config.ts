import type { Command } from '@commander-js/extra-typings';
import type { SshTarget } from '../../api/network.ts';
import { KameError } from '../../core/errors.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { sshBlock } from '../ssh-options.ts';

/** How to connect to a machine, which need not run. */
async function targetOf(session: Session, name: string): Promise<SshTarget> {
  return await session.client.machines.ssh(name, { wait: false }, { signal: session.signal });
}

/** All machines to which the host can forward. */
async function all(session: Session): Promise<SshTarget[]> {
  const machines = await session.client.machines.list({ signal: session.signal });
  const targets: SshTarget[] = [];
  for (const { name, path } of machines) {
    try {
      targets.push(await targetOf(session, path));
    } catch (error) {
      if (!(error instanceof KameError) || error.code === 'CANCELLED') throw error;
      session.note(`Left out: ${name}: ${error.message}`);
    }
  }
  return targets;
}

export function define(program: Command, session: Session): void {
  program
    .command('ssh-config')
    .description(
      'Prints a block for each machine for ~/.ssh/config, with which ssh, scp and editors connect to NAME.kame while the machine runs. ' +
        'Its port stays the same unless another program takes it.',
    )
    .argument('[name...]', 'names, ids or .vmx files of machines (default: all machines)')
    .option('--json', jsonShape('an array of SshTarget'))
    .addHelpText(
      'after',
      examples(
        'kame ssh-config >> ~/.ssh/config',
        'kame ssh-config web > web.conf && scp -F web.conf a.txt web.kame:',
      ),
    )
    .action(async (names) => {
      const targets: SshTarget[] = [];
      if (names.length === 0) targets.push(...(await all(session)));
      for (const name of names) {
        try {
          targets.push(await targetOf(session, session.machine(name)));
        } catch (error) {
          session.fail(error, names.length > 1 ? name : undefined);
        }
      }
      if (session.json) session.printJson(targets);
      else if (targets.length > 0) session.printLines(targets.map(sshBlock).join('\n\n'));
    });
}
