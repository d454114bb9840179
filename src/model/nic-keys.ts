import { booleanText } from '../vmx/values.ts';
import { vmwareNicModels } from './devices.ts';
import type { DirectionShape } from './link-shape.ts';
import type { Nic } from './machine.ts';
import { isVmwareStaticMac, macOffset } from './uuid.ts';

export type Entry = readonly [key: string, value: string];

function networkKeys(name: string, { connection, connectionText, vnet, segment }: Nic): Entry[] {
  const keys: Entry[] = [[`${name}.connectionType`, connectionText ?? connection]];
  if (connection === 'custom' && vnet !== undefined) keys.push([`${name}.vnet`, vnet]);
  if (connection === 'pvn' && segment !== undefined) keys.push([`${name}.pvnID`, segment]);
  return keys;
}

function addressKeys(name: string, { index, mac, macType }: Nic): Entry[] {
  const keys: Entry[] = [[`${name}.addressType`, macType]];
  if (macType === 'static') {
    keys.push([`${name}.address`, mac]);
    if (!isVmwareStaticMac(mac)) keys.push([`${name}.checkMACAddress`, 'FALSE']);
    return keys;
  }
  keys.push([`${name}.generatedAddress`, mac]);
  if (macType === 'generated') keys.push([`${name}.generatedAddressOffset`, String(macOffset(index))]);
  return keys;
}

/** VMware loses frames only if `dropsize` is 1 too. */
function directionKeys(name: string, side: 'rx' | 'tx', shape: DirectionShape): Entry[] {
  const { bitsPerSecond, lossPerMille, latencyMs } = shape;
  const keys: Entry[] = [];
  if (bitsPerSecond !== null) keys.push([`${name}.${side}bw.limit`, String(bitsPerSecond / 1000)]);
  if (lossPerMille > 0) {
    keys.push([`${name}.${side}fi.droprate`, String(lossPerMille)], [`${name}.${side}fi.dropsize`, '1']);
  }
  if (latencyMs > 0) keys.push([`${name}.${side}latency.latency`, String(latencyMs)]);
  return keys;
}

/** The keys of a network adapter, in the order of a new file. */
export function nicKeys(nic: Nic): Entry[] {
  const name = `ethernet${nic.index}`;
  const legal = vmwareNicModels.find((known) => known === nic.model);
  const keys: Entry[] = [
    [`${name}.present`, 'TRUE'],
    [`${name}.startConnected`, booleanText(nic.startConnected)],
    ...networkKeys(name, nic),
    [`${name}.virtualDev`, legal ?? 'vmxnet3'],
  ];
  if (!legal) keys.push([`kame.${name}.device`, nic.model]);
  keys.push(...addressKeys(name, nic));
  keys.push(
    ...directionKeys(name, 'rx', nic.shape.receive),
    ...directionKeys(name, 'tx', nic.shape.transmit),
  );
  if (nic.linkStatePropagation) keys.push([`${name}.linkStatePropagation.enable`, 'TRUE']);
  if (nic.port !== undefined) keys.push([`kame.${name}.port`, String(nic.port)]);
  return keys;
}
