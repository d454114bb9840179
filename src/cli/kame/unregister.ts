import type { Command } from '@commander-js/extra-typings';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('unregister')
    .description(
      'Removes a machine from the list of machines and keeps its files. `kame register` adds it again.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .option('--json', jsonShape('MachineDetails, as they were before'))
    .addHelpText('after', examples('kame unregister demo'))
    .action(async (name) => {
      const machine = await session.client.machines.show(session.machine(name));
      await session.client.machines.unregister(machine.path);
      if (session.json) session.printJson(machine);
      else session.print(`${machine.name} was unregistered; its files were kept: ${machine.path}`);
    });
}
