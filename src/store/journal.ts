import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { errnoOf, KameError } from '../core/errors.ts';
import { readFileCapped, writeFileAtomic } from '../sys/files.ts';
import type { Snapshot } from '../vmx/snapshots.ts';
import type { MachineNames } from './names.ts';

/**
 * A disk that gets a new top layer. The names are files in the directory of the machine, except `from` of a linked
 * clone.
 */
export interface LayerChange {
  /** Such as `nvme0:0`. */
  readonly slot: string;
  readonly from: string;
  readonly to: string;
}

/** A snapshot in JSON. */
export type SnapshotIntent = Omit<Snapshot, 'createdAt'> & { readonly createdAt: string };

/**
 * The change in progress to the files of a machine (`operation.json`). It is written before the first file changes and
 * removed after the last, so that recovery can finish or undo the change after a kill; see src/vm/recovery/table.ts.
 */
export type Journal =
  | {
      readonly kind: 'layer';
      /** The snapshot to list at the end; null if only the disks get a new layer, as for instant clones. */
      readonly snapshot: SnapshotIntent | null;
      readonly layers: readonly LayerChange[];
      /** The machine was already paused, so it is not resumed. */
      readonly paused: boolean;
      /** The file systems of the guest are frozen meanwhile. */
      readonly quiesced?: boolean;
    }
  | { readonly kind: 'suspend'; readonly checkpoint: string; readonly paused: boolean }
  | { readonly kind: 'revert'; readonly uid: number; readonly layers: readonly LayerChange[] }
  /** Layers are being merged and leftovers removed. */
  | { readonly kind: 'tidy'; readonly paused: boolean }
  | { readonly kind: 'clone'; readonly identity: CloneIdentity | null }
  | {
      readonly kind: 'disk';
      /**
       * Files of a disk that is being added, changed or removed: in the end the `.vmx` names one, or all are removed.
       */
      readonly files: readonly string[];
      /** The file of a removed disk that is kept, and its new name; null if none is kept. */
      readonly kept: { readonly from: string; readonly to: string } | null;
    };

/** The new identity of the guest in an instant clone; applied again unless it is known to have succeeded. */
export interface CloneIdentity {
  readonly hostName: string;
  readonly macs: readonly { readonly old: string; readonly new: string }[];
}

const maxBytes = 1024 * 1024;

function isFileName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && basename(value) === value && !value.startsWith('.');
}

function areLayers(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((layer: unknown) => {
      if (typeof layer !== 'object' || layer === null) return false;
      const { slot, from, to } = layer as Record<string, unknown>;
      return typeof slot === 'string' && typeof from === 'string' && isFileName(to);
    })
  );
}

function areFiles(files: unknown, kept: unknown): boolean {
  if (!Array.isArray(files) || !files.every(isFileName)) return false;
  if (kept === null) return true;
  if (typeof kept !== 'object') return false;
  const { from, to } = kept as Record<string, unknown>;
  return isFileName(from) && isFileName(to);
}

/** Whether the disks of a snapshot are whole. `node` is what a slot was named in journals of earlier builds. */
function areSnapshotDisks(snapshot: unknown): boolean {
  if (snapshot === null) return true;
  const { disks } = snapshot as { disks?: unknown };
  if (!Array.isArray(disks)) return false;
  return disks.every((disk: unknown) => {
    if (typeof disk !== 'object' || disk === null) return false;
    const { slot, node, fileName } = disk as Record<string, unknown>;
    return typeof (slot ?? node) === 'string' && typeof fileName === 'string';
  });
}

function withSlots(journal: Journal): Journal {
  if (journal.kind !== 'layer' || journal.snapshot === null) return journal;
  const disks = journal.snapshot.disks.map((disk) => {
    const { node, ...rest } = disk as typeof disk & { readonly node?: string };
    return node === undefined ? disk : { ...rest, slot: node };
  });
  return { ...journal, snapshot: { ...journal.snapshot, disks } };
}

function isJournal(value: unknown): value is Journal {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, layers, checkpoint, files, kept, snapshot } = value as Record<string, unknown>;
  if (kind === 'disk') return areFiles(files, kept);
  if (kind === 'layer') return areLayers(layers) && snapshot !== undefined && areSnapshotDisks(snapshot);
  if (kind === 'revert') return areLayers(layers);
  if (kind === 'suspend') return typeof checkpoint === 'string';
  return kind === 'tidy' || kind === 'clone';
}

export async function writeJournal(
  names: Pick<MachineNames, 'journal'>,
  journal: Journal,
  options: { readonly sync?: boolean } = {},
): Promise<void> {
  await writeFileAtomic(names.journal, `${JSON.stringify(journal)}\n`, 0o600, options);
}

/** The journal of an unfinished change, or undefined. @throws KameError BROKEN_MACHINE, FILE_ACCESS */
export async function readJournal(names: MachineNames): Promise<Journal | undefined> {
  let text: string;
  try {
    text = (await readFileCapped(names.journal, maxBytes)).toString('utf8');
  } catch (error) {
    if (error instanceof KameError && errnoOf(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isJournal(value)) return withSlots(value);
  } catch {
    // Reported below.
  }
  throw new KameError(
    'BROKEN_MACHINE',
    `${names.journal} is malformed, so Kame does not touch the disks of the machine.`,
    {
      next: 'Move the file away if you are sure that the .vmx names the right disks. Kame wrote it before a change to them.',
    },
  );
}

export async function removeJournal(names: MachineNames): Promise<void> {
  await rm(names.journal, { force: true });
}
