import { messageOf } from '../../core/errors.ts';
import { addressOf } from '../../model/network-address.ts';
import type { NetworkPort } from '../../model/network-port.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';

/** The addresses of the adapters of a machine that runs, by MAC: those that its guest was given. None that cannot be read. */
export async function addressesOf(
  host: Host,
  ports: readonly NetworkPort[],
): Promise<Record<string, string>> {
  try {
    const networks = await host.networkStore.all();
    const pairs = ports.flatMap(({ mac, network: key }) => {
      const name = key && 'name' in key ? key.name : null;
      const network = networks.find((one) => one.name === name)?.network;
      const address = network && addressOf(network, mac);
      return address === undefined ? [] : [[mac, address] as const];
    });
    return Object.fromEntries(pairs);
  } catch (error) {
    // Memory can be saved without them.
    host.log('Could not read the addresses of a machine', { reason: messageOf(error) });
    return {};
  }
}

/** What a person should know of a machine that was restored from memory, in which its guest has other addresses than the networks now give it. */
export async function addressNotes(host: Host, machine: Running): Promise<string[]> {
  const { networks } = machine.record;
  const now = await addressesOf(host, networks);
  return networks.flatMap(({ mac, index }) => {
    const [before, after] = [machine.savedAddresses[mac], now[mac]];
    if (before === undefined || after === undefined || before === after) return [];
    const again = `\`kame nic set ${machine.name} ${index} --disconnect\`, then with --connect`;
    return [
      `The memory of ${machine.name} was saved when ethernet${index} had the address ${before}, and now it has ${after}. Its guest is not reached before it asks for its address again; most do so after ${again}.`,
    ];
  });
}
