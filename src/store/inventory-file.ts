import { basename } from 'node:path';
import { KameError } from '../core/errors.ts';
import { readOwnIfThere } from '../sys/own-file.ts';
import type { Deletion } from './deletion.ts';
import { deletingExtension, isAsideName } from './names.ts';
import type { Renaming } from './renaming.ts';

/** The content of `inventory.json`. */
export interface InventoryFile {
  /** Absolute paths of `.vmx` files outside the home. */
  readonly registered: readonly string[];
  /** The `.vmx` of machines in the home that were removed from the list; relative to the home, absolute if a link in it leads there. */
  readonly unregistered: readonly string[];
  /** Absolute paths of directories elsewhere in which machines are being made; if interrupted, the next start of the daemon removes them. */
  readonly creating: readonly string[];
  /** Deletions in progress; if interrupted, the next start of the daemon finishes them. */
  readonly deleting: readonly Deletion[];
  /** Machines that are getting another path; if interrupted, the next start of the daemon settles where they are. */
  readonly renaming: readonly Renaming[];
  /** For each `.vmx`, the files outside its directory to which the person has agreed. */
  readonly agreed: Readonly<Record<string, readonly string[]>>;
  /** Of a version that did not ask yet; it stays until all machines of that time have agreements. */
  readonly neverAsked?: boolean;
}

export const emptyInventory: InventoryFile = {
  registered: [],
  unregistered: [],
  creating: [],
  deleting: [],
  renaming: [],
  agreed: {},
};
const maxBytes = 4 * 1024 * 1024;

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function deletions(value: unknown): Deletion[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return [];
    const { vmx, aside, files } = item as Record<string, unknown>;
    const whole = typeof vmx === 'string' && typeof aside === 'string' && aside.endsWith(deletingExtension);
    return whole ? [{ vmx, aside, files: strings(files) }] : [];
  });
}

function agreements(value: unknown): InventoryFile['agreed'] {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([vmx, files]) => [vmx, strings(files)]));
}

/** The inventory without a machine. @param key its name relative to the home */
export function without(file: InventoryFile, vmx: string, key: string): InventoryFile {
  const { [key]: _, ...agreed } = file.agreed;
  const others = (paths: readonly string[]) => paths.filter((path) => path !== vmx && path !== key);
  const [registered, unregistered] = [others(file.registered), others(file.unregistered)];
  return { ...file, registered, unregistered, agreed };
}

/** Reads `inventory.json`; a missing one is empty. @throws KameError FILE_ACCESS, INVALID_VALUE */
export async function readInventory(path: string): Promise<InventoryFile> {
  const bytes = await readOwnIfThere(path, { maxBytes, trusted: true });
  if (!bytes) return emptyInventory;
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    return {
      registered: strings(value['registered']),
      unregistered: strings(value['unregistered']),
      creating: strings(value['creating']).filter((path) => isAsideName(basename(path))),
      deleting: deletions(value['deleting']),
      renaming: Array.isArray(value['renaming']) ? value['renaming'].map(strings) : [],
      agreed: agreements(value['agreed']),
      ...(value['agreed'] === undefined || value['neverAsked'] === true ? { neverAsked: true } : {}),
    };
  } catch (error) {
    throw new KameError('FILE_ACCESS', `${path} is not valid JSON.`, {
      cause: error,
      details: { path },
      next: 'Repair the file or move it away. Machines in the home are found without it; register others with `kame register`.',
    });
  }
}
