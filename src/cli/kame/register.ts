import type { Command } from '@commander-js/extra-typings';
import { examples, jsonShape } from '../options.ts';
import { noteProblems } from '../problems.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('register')
    .summary('add an existing machine to the list')
    .description('Adds an existing machine to the list of machines. Its files stay where they are.')
    .argument('<path>', 'a .vmx, or the bundle that contains it')
    .option('--json', jsonShape('MachineDetails'))
    .addHelpText(
      'after',
      examples('kame register ~/Virtual\\ Machines/web.vmwarevm', 'kame register ./old/old.vmx'),
    )
    .action(async (path) => {
      const machine = await session.client.machines.register({ path: session.path(path) });
      if (session.json) session.printJson(machine);
      else {
        session.print(`${machine.name} was registered: ${machine.path}`);
        noteProblems(session, machine);
      }
    });
}
