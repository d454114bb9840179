import type { Command } from '@commander-js/extra-typings';
import { examples, given, jsonShape, seconds, waitOption } from '../options.ts';
import type { Session } from '../session.ts';
import { startedText } from '../started.ts';

export function define(program: Command, session: Session): void {
  program
    .command('restart')
    .description('Shuts machines down and starts them again with their present settings.')
    .argument('<name...>', 'names, ids or .vmx of machines')
    .option('--hard', 'power off immediately instead of shutting the guest down')
    .addOption(waitOption())
    .option(
      '--timeout <seconds>',
      'how long to wait for the shutdown, and again for the start',
      seconds('--timeout'),
    )
    .option('--json', jsonShape('StartedMachine, an array of them for several names'))
    .addHelpText('after', examples('kame restart demo', 'kame restart web db --hard'))
    .action(async (names, { hard, wait, timeout }) => {
      const body = given({ hard, wait, timeoutMs: timeout });
      await session.each(
        names,
        (name, options) => session.client.machines.restart(name, body, options),
        startedText,
      );
    });
}
