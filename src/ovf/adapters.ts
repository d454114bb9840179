import { newNic } from '../model/defaults.ts';
import { maxNics } from '../model/devices.ts';
import type { NicNetwork } from '../model/device-settings.ts';
import { unnamedDevices } from '../model/guest-os.ts';
import type { Nic, NicModel } from '../model/machine.ts';
import { generatedMac } from '../model/uuid.ts';
import { badOvf, quoted } from './bad-ovf.ts';
import type { Appliance } from './descriptor.ts';
import type { OvfItem } from './items.ts';
import { ethernetTypes, resourceTypes } from './names.ts';
import { subTypes } from './storage.ts';

function modelOf(item: OvfItem, guestOS: string, notes: string[]): NicModel {
  for (const name of subTypes(item)) {
    const known = ethernetTypes.find(([subType]) => subType.toLowerCase() === name);
    if (known) return known[1];
  }
  const { nic } = unnamedDevices(guestOS);
  if (item.subType !== '')
    notes.push(`The network adapter ${quoted(item.subType)} is not known: the guest gets ${nic} instead.`);
  return nic;
}

/** Where the adapters of a machine are connected, by the networks of its appliance; those that are not named are NAT. */
export type NetworkMap = ReadonlyMap<string, NicNetwork>;

/** The network adapters of the machine. @throws KameError BAD_IMAGE for more than it can have */
export function adaptersOf(
  path: string,
  { items }: Appliance,
  {
    uuid,
    guestOS,
    networks,
  }: { readonly uuid: string; readonly guestOS: string; readonly networks: NetworkMap },
): { readonly nics: readonly Nic[]; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const found = items.filter(({ type }) => type === resourceTypes.ethernet);
  if (found.length > maxNics) throw badOvf(path, `has more than ${maxNics} network adapters`);
  const nics = found.map((item, index) => ({
    ...newNic({
      index,
      model: modelOf(item, guestOS, notes),
      mac: generatedMac(uuid, index),
      macType: 'generated',
    }),
    startConnected: item.startConnected,
    ...networks.get(item.connection ?? ''),
  }));
  const other = found.flatMap(({ connection }) =>
    connection === undefined || networks.has(connection) ? [] : [connection],
  );
  for (const name of new Set(other))
    notes.push(`The network ${quoted(name)} becomes NAT, unless another one is chosen.`);
  return { nics, notes };
}
