import type { Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { networkText } from './network-text.ts';

export function defineReserve(parent: Command, session: Session): void {
  parent
    .command('reserve')
    .summary('choose the address of a machine')
    .description(
      'Chooses the address of a machine with one adapter in the network, or of a MAC. The guest gets it when it asks for an address the next time.',
    )
    .argument('<network>', networkText)
    .argument('<name>', 'name, id or .vmx of a machine, or a MAC address')
    .argument('[address]', 'IPv4 address in the subnet of the network')
    .option('--release', 'give the chosen address up')
    .option('--json', jsonShape('Reservation'))
    .addHelpText(
      'after',
      examples('kame network reserve vmnet8 web 192.168.77.10', 'kame network reserve vmnet8 web --release'),
    )
    .action(async (network, name, address, { release }) => {
      if ((address === undefined) !== (release === true)) {
        throw new KameError('USAGE', 'Either an address or --release is needed.', {
          next: '`kame network reserve --help` shows its usage.',
        });
      }
      const { networks } = session.client;
      const { signal } = session;
      const adapter = session.machine(name);
      const reservation =
        address === undefined
          ? await networks.release(network, adapter, { signal })
          : await networks.reserve(network, adapter, { address }, { signal });
      const who = reservation.machine ?? reservation.mac;
      if (session.json) session.printJson(reservation);
      else if (address === undefined)
        session.print(`${network}: ${reservation.address} is no longer reserved for ${who}`);
      else
        session.print(
          `${network}: ${who} gets ${reservation.address} when it asks for an address the next time`,
        );
    });
}

export function defineLeases(parent: Command, session: Session): void {
  parent
    .command('leases')
    .summary('list DHCP leases')
    .description('Lists the DHCP leases of a network that runs: which guests have asked for an address.')
    .argument('<network>', networkText)
    .option('--json', jsonShape('an array of Lease'))
    .addHelpText(
      'after',
      examples('kame network leases vmnet8', `kame network leases vmnet8 --json | jq -r '.[].address'`),
    )
    .action(async (network) => {
      const leases = await session.client.networks.leases(network, { signal: session.signal });
      if (session.json) {
        session.printJson(leases);
        return;
      }
      session.printTable(
        ['ADDRESS', 'MAC', 'MACHINE', 'HOST NAME', 'UNTIL'],
        leases.map(({ address, mac, machine, hostName, expiresAt }) => [
          address,
          mac,
          machine ?? '-',
          hostName ?? '-',
          expiresAt,
        ]),
      );
    });
}
