import { maxNics, nicModels } from './devices.ts';
import { shapeLimits, type DirectionShape } from './link-shape.ts';
import type { MachineModel, Nic } from './machine.ts';
import { hasControls } from './paths.ts';
import { refused, type ModelProblem } from './problem.ts';
import { listOf } from './reading.ts';
import { duplicates, numbered } from './validate-devices.ts';

/** Whether a text can be the id of a LAN segment: VMware writes 16 hex pairs. */
export function isSegmentId(text: string): boolean {
  return text !== '' && text.length <= 128 && !hasControls(text);
}

function validateNetwork({ index, connection, vnet, segment }: Nic): ModelProblem[] {
  const name = `ethernet${index}`;
  if (connection === 'custom' && !/^[A-Za-z0-9/][A-Za-z0-9/_.-]{0,63}$/.test(vnet ?? ''))
    return [refused(`${name}.vnet`, vnet ?? '', 'the name of a network such as VMnet5')];
  if (connection === 'pvn' && segment !== undefined && !isSegmentId(segment))
    return [refused(`${name}.pvnID`, segment, 'the id of a LAN segment, of at most 128 characters')];
  return [];
}

function within(value: number, { min, max }: { min: number; max: number }): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function validateDirection(name: string, side: 'rx' | 'tx', shape: DirectionShape): ModelProblem[] {
  const { kilobits, lossPerMille, latencyMs } = shapeLimits;
  const limit = shape.bitsPerSecond === null ? null : shape.bitsPerSecond / 1000;
  const range = ({ min, max }: { min: number; max: number }) => `a whole number from ${min} to ${max}`;
  return [
    ...(limit === null || within(limit, kilobits)
      ? []
      : [refused(`${name}.${side}bw.limit`, limit, `${range(kilobits)} (kbit/s)`)]),
    ...(within(shape.lossPerMille, lossPerMille)
      ? []
      : [refused(`${name}.${side}fi.droprate`, shape.lossPerMille, `${range(lossPerMille)} (thousandths)`)]),
    ...(within(shape.latencyMs, latencyMs)
      ? []
      : [refused(`${name}.${side}latency.latency`, shape.latencyMs, `${range(latencyMs)} (ms)`)]),
  ];
}

function validateShape({ index, shape }: Nic): ModelProblem[] {
  const name = `ethernet${index}`;
  return [...validateDirection(name, 'rx', shape.receive), ...validateDirection(name, 'tx', shape.transmit)];
}

/** Two adapters cannot be in one port. */
function sharedPorts(nics: readonly Nic[]): ModelProblem[] {
  const seen = new Map<number, number>();
  return nics.flatMap(({ index, port }) => {
    if (port === undefined) return [];
    const other = seen.get(port);
    seen.set(port, index);
    const allowed = `a port that ethernet${other} does not have`;
    return other === undefined ? [] : [refused(`kame.ethernet${index}.port`, port, allowed)];
  });
}

function validateNic(nic: Nic): ModelProblem[] {
  const name = `ethernet${nic.index}`;
  const problems = numbered(`${name}.present`, nic.index, maxNics);
  const first = Number.parseInt(nic.mac.slice(0, 2), 16);
  const form = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(nic.mac);
  // The lowest bit of the first byte marks a multicast address.
  if (!form || (first & 1) === 1 || nic.mac === '00:00:00:00:00:00') {
    const key = `${name}.${nic.macType === 'static' ? 'address' : 'generatedAddress'}`;
    problems.push(refused(key, nic.mac, 'a unicast address such as 00:0c:29:12:34:56'));
  }
  if (!nicModels.includes(nic.model))
    problems.push(refused(`kame.${name}.device`, nic.model, listOf(nicModels)));
  return [...problems, ...validateNetwork(nic), ...validateShape(nic)];
}

/** Network adapters. */
export function validateNics({ nics }: MachineModel): ModelProblem[] {
  const macs = new Map<string, number>();
  const shared = nics.flatMap(({ index, mac }) => {
    const other = macs.get(mac);
    macs.set(mac, index);
    return other === undefined
      ? []
      : [refused(`ethernet${index}.address`, mac, `an address that ethernet${other} does not have`)];
  });
  return [
    ...nics.flatMap(validateNic),
    ...duplicates(
      nics.map(({ index }) => `ethernet${index}`),
      'present',
    ),
    ...shared,
    ...sharedPorts(nics),
  ];
}
