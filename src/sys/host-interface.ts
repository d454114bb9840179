import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** `other` is any that is neither, such as a network card. */
export type InterfaceKind = 'bridge' | 'tap' | 'other' | 'missing';

const directory = '/sys/class/net';
/** Of Linux: at most 15 characters, and no path. */
const form = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,14}$/;
/** IFF_TAP in `tun_flags`; without it the device carries packets instead of frames. */
const tapFlag = 0x2;

async function numberIn(path: string): Promise<number | undefined> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim();
  return text === '' ? undefined : Number(text);
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** What an interface of this Linux host is (Documentation/ABI/testing/sysfs-class-net of the kernel). */
export async function interfaceKind(name: string, root = directory): Promise<InterfaceKind> {
  if (!form.test(name) || !(await isThere(join(root, name)))) return 'missing';
  if (await isThere(join(root, name, 'bridge'))) return 'bridge';
  const flags = await numberIn(join(root, name, 'tun_flags'));
  return flags !== undefined && (flags & tapFlag) !== 0 ? 'tap' : 'other';
}

/** The user who may open a tap device; undefined if it belongs to nobody, so that only root may. */
export async function tapOwner(name: string, root = directory): Promise<number | undefined> {
  const owner = form.test(name) ? await numberIn(join(root, name, 'owner')) : undefined;
  return owner === undefined || owner < 0 ? undefined : owner;
}
