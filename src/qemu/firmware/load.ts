import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists, readFileCapped } from '../../sys/files.ts';
import { parseDescriptor, type FirmwareDescriptor } from './descriptor.ts';

export interface FirmwarePlaces {
  /** The QEMU in use, which may come with firmware. */
  readonly binary: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

const mostFiles = 256;
const largestFile = 64 * 1024;

/** Directories of descriptors, from general to specific, in the order of docs/interop/firmware.json in QEMU. */
export function firmwareDirectories(places: FirmwarePlaces, resolvedBinary: string): string[] {
  const config = places.env['XDG_CONFIG_HOME'] || join(places.home, '.config');
  const prefixes = [
    '/usr',
    '/usr/local',
    '/opt/homebrew',
    dirname(dirname(resolvedBinary)),
    dirname(dirname(places.binary)),
  ];
  const data = prefixes.map((prefix) => join(prefix, 'share/qemu/firmware'));
  return [...new Set([...data, '/etc/qemu/firmware', join(config, 'qemu/firmware')])];
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .slice(0, mostFiles);
  } catch {
    // A directory that does not exist or is not readable has no usable firmware.
    return [];
  }
}

async function load(file: string): Promise<FirmwareDescriptor | undefined> {
  try {
    const descriptor = parseDescriptor(file, (await readFileCapped(file, largestFile)).toString('utf8'));
    if (!descriptor) return undefined;
    for (const { filename } of [descriptor.flash.executable, descriptor.flash.nvramTemplate]) {
      // A file that cannot be accessed is as useless as a missing one.
      if (!(await exists(filename).catch(() => false))) return { ...descriptor, missing: filename };
    }
    return descriptor;
  } catch {
    // One unreadable or oversized descriptor must not hide the others.
    return undefined;
  }
}

/**
 * Every UEFI firmware described by descriptors of QEMU, sorted by file name. A file in a more specific directory
 * replaces one with the same name; an empty file hides it.
 */
export async function loadFirmware(places: FirmwarePlaces): Promise<FirmwareDescriptor[]> {
  const resolved = await realpath(places.binary).catch(() => places.binary);
  const files = new Map<string, string>();
  for (const directory of firmwareDirectories(places, resolved)) {
    for (const name of await namesIn(directory)) files.set(name, join(directory, name));
  }
  const names = [...files.keys()].sort();
  const loaded = await Promise.all(names.map((name) => load(files.get(name) as string)));
  return loaded.filter((one) => one !== undefined);
}
