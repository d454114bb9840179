import type { Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { confirm, requireTerminal } from '../confirm.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('delete')
    .description(
      'Deletes a machine that is not running, with its disks and its other files. Other files in its bundle stay. You cannot undo this, so it lists the files and asks for confirmation.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--json', jsonShape('MachineDetails, as they were before'))
    .addHelpText('after', examples('kame delete demo', 'kame delete demo --yes'))
    .action(async (name, options) => {
      const machine = await session.client.machines.show(session.machine(name));
      if (machine.state === 'running' || machine.state === 'paused') {
        throw new KameError('WRONG_STATE', `${machine.name} is ${machine.state}.`, {
          next: `Stop it first: \`kame stop ${machine.name}\`, or at once: \`kame stop ${machine.name} --hard\`.`,
          details: { machine: machine.name },
        });
      }
      if (options.yes !== true) {
        requireTerminal(session);
        const { deleted } = await session.client.machines.files(machine.path);
        session.note(`These files of ${machine.name} are deleted:`, ...deleted.map((path) => `  ${path}`));
        await confirm(session, `Delete ${machine.name} and its disks (${machine.path})?`);
      }
      const { kept } = await session.client.machines.delete(machine.path, { signal: session.signal });
      if (session.json) session.printJson(machine);
      else session.print(`${machine.name} was deleted`);
      if (kept.length === 0) return;
      session.note(
        'These files are not part of a virtual machine and were kept:',
        ...kept.map((path) => `  ${path}`),
      );
    });
}
