import type { Command } from '@commander-js/extra-typings';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('rename')
    .description('Renames a stopped machine, its bundle and its .vmx.')
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<new-name>', 'new name')
    .option('--json', jsonShape('MachineDetails'))
    .addHelpText('after', examples('kame rename demo web'))
    .action(async (name, newName) => {
      const machine = await session.client.machines.rename(session.machine(name), { name: newName });
      if (session.json) session.printJson(machine);
      else session.print(`${name} was renamed to ${machine.name}: ${machine.path}`);
    });
}
