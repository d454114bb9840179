import type { Command } from '@commander-js/extra-typings';
import { examples, jsonShape, keyValue } from '../options.ts';
import { noteProblems } from '../problems.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('set')
    .description(
      'Changes settings of a machine, such as cpus or memory, or any key of its .vmx. An empty value removes the key. ' +
        'If a value is not valid, nothing is changed.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<key=value...>', 'settings to change')
    .option('--json', jsonShape('MachineDetails'))
    .addHelpText(
      'after',
      examples('kame set demo cpus=4 memory=2GiB', 'kame set demo annotation="Build machine"'),
    )
    .action(async (name, pairs) => {
      const settings = pairs.map((text) => keyValue(text, 'The setting'));
      const machine = await session.client.machines.set(session.machine(name), { settings });
      if (session.json) session.printJson(machine);
      else session.print(`${machine.name}: set ${settings.map(({ key }) => key).join(', ')}`);
      noteProblems(session, machine);
    });
}
