import type { Command } from '@commander-js/extra-typings';
import { examples, given, jsonShape, seconds } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('stop')
    .description('Asks the guests to shut down and waits until they have done so.')
    .argument('<name...>', 'names, ids or .vmx of machines')
    .option('--hard', 'power off immediately, without shutting the guest down')
    .option('--timeout <seconds>', 'how long to wait for the guest (default: 90)', seconds('--timeout'))
    .option('--json', jsonShape('Machine, an array of them for several names'))
    .addHelpText(
      'after',
      examples('kame stop demo', 'kame stop web db --timeout 20', 'kame stop demo --hard'),
    )
    .action(async (names, { hard, timeout }) => {
      const body = given({ hard, timeoutMs: timeout });
      await session.each(
        names,
        (name, options) => session.client.machines.stop(name, body, options),
        (machine) => `${machine.name} is ${machine.state}`,
      );
    });
}
