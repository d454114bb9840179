import type { Command } from '@commander-js/extra-typings';
import type { MachineDetails } from '../../api/machine.ts';
import { canAsk, confirm } from '../confirm.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { visible } from '../text.ts';

/** `/srv/a.iso (CD sata0:1)` */
function fileText({ path, use, writable }: MachineDetails['outsideFiles'][number]): string {
  return `  ${visible(path)} (${use}${writable ? ', the guest can change it' : ''})`;
}

/**
 * Lists the files outside its directory that a machine would use, and asks whether it may.
 * @returns the paths that it may use; without a terminal and without --allow-outside, none are added
 */
async function allowed(session: Session, path: string, always: boolean): Promise<string[]> {
  const { name, outsideFiles } = await session.client.machines.inspect({ path });
  const files = outsideFiles.filter(({ agreed }) => !agreed);
  if (files.length === 0) return [];
  if (!always && !canAsk(session)) return [];
  session.note(`${name} uses files outside its directory:\n${files.map(fileText).join('\n')}`);
  if (!always) await confirm(session, 'May its guest use them?');
  return files.map((file) => file.path);
}

export function define(program: Command, session: Session): void {
  program
    .command('register')
    .summary('add an existing machine to the list')
    .description('Adds an existing machine to the list of machines. Its files stay where they are.')
    .argument('<path>', 'a .vmx, or the bundle that contains it')
    .option('--allow-outside', 'let the machine use files outside its directory, without asking')
    .option('--json', jsonShape('MachineDetails'))
    .addHelpText(
      'after',
      examples('kame register ~/Virtual\\ Machines/web.vmwarevm', 'kame register ./old/old.vmx'),
    )
    .action(async (given, options) => {
      const path = session.path(given);
      const allowOutside = await allowed(session, path, options.allowOutside === true);
      const machine = await session.client.machines.register({ path, allowOutside });
      if (session.json) session.printJson(machine);
      else session.print(`${machine.name} was registered: ${machine.path}`);
    });
}
