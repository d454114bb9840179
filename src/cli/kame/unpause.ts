import type { Command } from '@commander-js/extra-typings';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('unpause')
    .description('Resumes paused machines.')
    .argument('<name...>', 'names, ids or .vmx of machines')
    .option('--json', jsonShape('Machine, an array of them for several names'))
    .addHelpText('after', examples('kame unpause demo', 'kame unpause web db'))
    .action(async (names) => {
      await session.each(
        names,
        (name, options) => session.client.machines.unpause(name, options),
        (machine) => `${machine.name} is ${machine.state}`,
      );
    });
}
