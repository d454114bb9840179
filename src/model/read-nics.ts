import { hotplugPorts, maxNics, nicConnections, nicModels, vmwareNicModels } from './devices.ts';
import { shapeLimits, type DirectionShape } from './link-shape.ts';
import type { Nic, NicModel } from './machine.ts';
import { presentIndices } from './read-devices.ts';
import { listOf, type ModelReading } from './reading.ts';
import { generatedMac, normalizeMac } from './uuid.ts';

/** Old adapters that Kame replaces with a similar one. */
const nicAliases = new Map<string, NicModel>([
  ['vmxnet', 'vlance'],
  ['vmxnet2', 'vlance'],
]);

function readNicModel(reading: ModelReading, name: string, fallback: NicModel): NicModel {
  const key = `${name}.virtualDev`;
  const text = (reading.text(key) ?? '').toLowerCase();
  const alias = nicAliases.get(text);
  if (alias) reading.odd(key, listOf(vmwareNicModels), `Using ${alias}`);
  const native = alias ?? reading.choice<NicModel>(key, vmwareNicModels, fallback);
  return reading.choice(`kame.${name}.device`, nicModels, native);
}

function readMac(reading: ModelReading, name: string, macType: Nic['macType'], derived: string): string {
  const keys = [`${name}.address`, `${name}.generatedAddress`];
  if (macType !== 'static') keys.reverse();
  const key = keys.find((candidate) => reading.text(candidate) !== undefined);
  if (key === undefined) return derived;
  const mac = normalizeMac(reading.text(key) ?? '');
  if (mac === undefined) reading.odd(key, 'six hex pairs such as 00:0c:29:12:34:56', `Using ${derived}`);
  return mac ?? derived;
}

type Network = Pick<Nic, 'connection' | 'vnet' | 'segment' | 'connectionText'>;

/**
 * The network of an adapter, by VMware's default a bridge to that of the host. A word that Kame does not know is kept:
 * an isolated guest must not get a network by an error.
 */
function readNetwork(reading: ModelReading, name: string): Network {
  const key = `${name}.connectionType`;
  const text = reading.text(key)?.trim();
  const word = text?.toLowerCase() ?? 'bridged';
  const connection = nicConnections.find((known) => known === word);
  if (connection === undefined) {
    const message = `${key} is "${reading.shown(key)}", which Kame does not know.`;
    const advice = `Before it starts, choose a network: \`kame set NAME ${key}=hostonly\` isolates it.`;
    reading.unsupported(key, listOf(nicConnections), `${message} ${advice}`);
    return { connection: 'unknown', connectionText: text ?? '' };
  }
  const vnet = connection === 'custom' ? reading.text(`${name}.vnet`) : undefined;
  const segment = connection === 'pvn' ? reading.text(`${name}.pvnID`)?.trim() : undefined;
  if (connection === 'pvn' && segment === undefined)
    reading.warn(`${name}.pvnID`, `${name} is alone in its LAN segment: it has no pvnID.`);
  return {
    connection,
    ...(vnet === undefined ? {} : { vnet }),
    ...(segment === undefined ? {} : { segment }),
  };
}

/** One direction of the traffic; VMware calls what the guest receives `rx`. */
function readDirection(reading: ModelReading, name: string, side: 'rx' | 'tx'): DirectionShape {
  const { kilobits, lossPerMille, latencyMs } = shapeLimits;
  // VMware writes a number below zero for "none".
  const amount = (key: string, max: number): number =>
    Math.max(0, reading.integer(`${name}.${key}`, 0, { min: -1, max }));
  const limit = amount(`${side}bw.limit`, kilobits.max);
  return {
    bitsPerSecond: limit === 0 ? null : limit * 1000,
    lossPerMille: amount(`${side}fi.droprate`, lossPerMille.max),
    latencyMs: amount(`${side}latency.latency`, latencyMs.max),
  };
}

/** The port of an adapter that was added while the machine ran. */
function readPort(reading: ModelReading, name: string): { port?: number } {
  const key = `kame.${name}.port`;
  if (reading.text(key) === undefined) return {};
  const port = reading.integer(key, -1, { min: 0, max: hotplugPorts - 1 });
  return port < 0 ? {} : { port };
}

/**
 * The network adapters. An adapter without a MAC address gets the one that VMware would generate.
 * @param fallback the model if no key names one
 */
export function readNics(reading: ModelReading, uuid: string, fallback: NicModel): Nic[] {
  return presentIndices(reading, 'ethernet', maxNics).map((index) => {
    const name = `ethernet${index}`;
    const macType = reading.choice(
      `${name}.addressType`,
      ['generated', 'static', 'vpx'] as const,
      'generated',
    );
    return {
      index,
      ...readNetwork(reading, name),
      model: readNicModel(reading, name, fallback),
      mac: readMac(reading, name, macType, generatedMac(uuid, index)),
      macType,
      startConnected: reading.flag(`${name}.startConnected`, true),
      shape: { receive: readDirection(reading, name, 'rx'), transmit: readDirection(reading, name, 'tx') },
      linkStatePropagation: reading.flag(`${name}.linkStatePropagation.enable`, false),
      ...readPort(reading, name),
    };
  });
}
