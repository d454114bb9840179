import type { Command } from '@commander-js/extra-typings';
import { examples, given, jsonShape, seconds, waitOption } from '../options.ts';
import type { Session } from '../session.ts';
import { startedText } from '../started.ts';

export function define(program: Command, session: Session): void {
  program
    .command('restart')
    .summary('shut machines down and start them again')
    .description('Shuts machines down and starts them again, with the settings they have now.')
    .argument('<name...>', 'names, ids or .vmx of machines')
    .option('--hard', 'power off at once instead of asking the guest')
    .addOption(waitOption())
    .option('--timeout <seconds>', 'how long each of the two may take', seconds('--timeout'))
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
