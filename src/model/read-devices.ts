import {
  maxFloppies,
  maxNics,
  maxParallels,
  maxSerials,
  maxSharedFolders,
  nicConnections,
  nicModels,
  vmwareNicModels,
} from './devices.ts';
import { whyNotAttached } from './floppies.ts';
import type { Arch, Floppy, Nic, NicModel, ParallelPort, SerialPort, SharedFolder } from './machine.ts';
import { shown } from './problem.ts';
import { listOf, type ModelReading } from './reading.ts';
import { generatedMac, normalizeMac } from './uuid.ts';

/** Every N of the keys `<prefix>N.…`, in order. */
function indicesOf(reading: ModelReading, prefix: string): number[] {
  const found = new Set<number>();
  const form = new RegExp(`^${prefix}(0|[1-9]\\d{0,2})\\.`);
  for (const key of reading.doc.index.keys()) {
    const index = form.exec(key)?.[1];
    if (index !== undefined) found.add(Number(index));
  }
  return [...found].sort((a, b) => a - b);
}

/** The numbers of the devices that are present, up to the maximum. `usual`: whether one is present if no key says so. */
function presentIndices(
  reading: ModelReading,
  prefix: string,
  count: number,
  usual: (name: string) => boolean = () => false,
): number[] {
  return indicesOf(reading, prefix.toLowerCase()).filter((index) => {
    if (!reading.flag(`${prefix}${index}.present`, usual(`${prefix}${index}`))) return false;
    if (index < count) return true;
    reading.leaveOut(
      `${prefix}${index}.present`,
      `a number from 0 to ${count - 1}`,
      `${prefix}${index} exceeds the limit of ${prefix}${count - 1}.`,
    );
    return false;
  });
}

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

type Network = Pick<Nic, 'connection' | 'vnet' | 'connectionText'>;

const isolatedAdvice = (name: string): string =>
  `Before it starts, choose a network: \`kame set NAME ${name}.connectionType=hostonly\` isolates it too.`;

/**
 * The network of an adapter, by VMware's default a bridge to that of the host. An isolated LAN segment and a word that
 * Kame does not know are kept as such: an isolated guest must not get a network by an error.
 */
function readNetwork(reading: ModelReading, name: string): Network {
  const key = `${name}.connectionType`;
  const text = reading.text(key)?.trim();
  const word = text?.toLowerCase() ?? 'bridged';
  const connection = nicConnections.find((known) => known === word);
  if (connection !== undefined) {
    const vnet = connection === 'custom' ? reading.text(`${name}.vnet`) : undefined;
    return { connection, ...(vnet === undefined ? {} : { vnet }) };
  }
  const isSegment = word === 'pvn';
  const what = isSegment
    ? `${name} is in a LAN segment (pvn), an isolated network that Kame does not have.`
    : `${key} is "${reading.shown(key)}", which Kame does not know.`;
  reading.unsupported(key, listOf(nicConnections), `${what} ${isolatedAdvice(name)}`);
  return isSegment ? { connection: 'pvn' } : { connection: 'unknown', connectionText: text ?? '' };
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
    };
  });
}

export const serialKinds = ['file', 'device', 'pipe', 'network'] as const;

export function readSerials(reading: ModelReading): SerialPort[] {
  return presentIndices(reading, 'serial', maxSerials).flatMap((index) => {
    const name = `serial${index}`;
    // VMware's virtual printer, which Kame does not support.
    if (reading.text(`${name}.fileType`)?.toLowerCase() === 'thinprint') return [];
    const kind = reading.choice(`${name}.fileType`, serialKinds, 'device');
    return [{ index, kind, fileName: reading.text(`${name}.fileName`) ?? '' }];
  });
}

/**
 * The floppy drives. VMware has one unless the file says that there is none; without an image it is not worth mentioning.
 * Like a CD drive, one of the host counts as empty.
 */
export function readFloppies(reading: ModelReading, arch: Arch): Floppy[] {
  const isThere = (name: string): boolean => reading.text(`${name}.fileName`) !== undefined;
  return presentIndices(reading, 'floppy', maxFloppies, isThere).map((index) => {
    const name = `floppy${index}`;
    const file = reading.text(`${name}.fileName`) ?? '';
    const isImage = reading.choice(`${name}.fileType`, ['device', 'file'] as const, 'device') === 'file';
    const floppy: Floppy = {
      index,
      fileName: isImage && file !== '' ? file : null,
      startConnected: reading.flag(`${name}.startConnected`, true),
    };
    const reason = whyNotAttached(floppy, arch);
    if (floppy.fileName !== null && reason !== undefined)
      reading.warn(
        `${name}.fileName`,
        `The image of ${name} (${shown(file)}) is kept but not attached: ${reason}.`,
      );
    return floppy;
  });
}

/** The parallel ports, which no machine of Kame has. */
export function readParallels(reading: ModelReading): ParallelPort[] {
  return presentIndices(reading, 'parallel', maxParallels).map((index) => {
    const name = `parallel${index}`;
    const fileName = reading.text(`${name}.fileName`) ?? '';
    reading.warn(
      `${name}.present`,
      `${name}${fileName === '' ? '' : ` (${shown(fileName)})`} is kept but not attached: Kame has no parallel ports.`,
    );
    return {
      index,
      kind: reading.choice(`${name}.fileType`, ['file', 'device'] as const, 'device'),
      fileName,
    };
  });
}

export function readSharedFolders(reading: ModelReading): SharedFolder[] {
  return presentIndices(reading, 'sharedFolder', maxSharedFolders).flatMap((index) => {
    const name = `sharedFolder${index}`;
    const hostPath = reading.text(`${name}.hostPath`);
    const guestName = reading.text(`${name}.guestName`);
    if (hostPath === undefined || guestName === undefined) {
      const missing = hostPath === undefined ? 'hostPath' : 'guestName';
      reading.leaveOut(`${name}.${missing}`, 'a text', `${name} has no ${missing}.`);
      return [];
    }
    const readable = reading.flag(`${name}.readAccess`, true);
    const enabled = reading.flag(`${name}.enabled`, true) && readable;
    return [{ index, guestName, hostPath, enabled, writable: reading.flag(`${name}.writeAccess`, false) }];
  });
}
