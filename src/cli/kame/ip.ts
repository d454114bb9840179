import type { Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('ip')
    .description(
      'Prints the first IP address of the guest that is not loopback or link-local, as reported by its agent.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .option('--json', jsonShape('Addresses'))
    .addHelpText('after', examples('kame ip demo', 'kame ip demo --json | jq .interfaces'))
    .action(async (name) => {
      const { signal } = session;
      const reply = session.client.machines.addresses(session.machine(name), { signal });
      const addresses = await session.wait(name, `the guest agent of ${name}`, reply);
      if (session.json) session.printJson(addresses);
      else if (addresses.ip !== null) session.print(addresses.ip);
      else {
        throw new KameError('GUEST_FAILED', `${name} has no IP address yet.`, {
          next: `kame ip ${name} --json shows its network interfaces; kame console ${name} shows what the guest is doing.`,
          details: { machine: name },
        });
      }
    });
}
