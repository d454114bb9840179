import type { Command } from '@commander-js/extra-typings';
import { formatDuration, formatSize } from '../../core/units.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('suspend')
    .description(
      'Writes the memory of running machines to disk and stops their engines. `kame start` resumes them, even after a reboot of the host.',
    )
    .argument('<name...>', 'names, ids or .vmx of machines')
    .option('--json', jsonShape('SuspendedMachine, an array of them for several names'))
    .addHelpText(
      'after',
      examples(
        'kame suspend demo',
        'kame suspend web db',
        'kame start demo',
        'kame start demo --discard-state',
      ),
    )
    .action(async (names) => {
      await session.each(
        names,
        (name, options) => session.client.machines.suspend(name, options),
        ({ name, state, stateBytes, tookMs }) =>
          `${name} is ${state}: ${formatSize(stateBytes)} written in ${formatDuration(tookMs)}`,
      );
    });
}
