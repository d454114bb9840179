import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { KameError } from '../core/errors.ts';
import type { Nic } from '../model/machine.ts';
import { writeFileAtomic } from '../sys/files.ts';
import { readOwnIfThere } from '../sys/own-file.ts';
import type { Snapshot } from '../vmx/snapshots.ts';
import type { HomeNames, MachineNames } from './names.ts';
import { forgetOperation, isRecorded, recordOperation } from './operation-record.ts';

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
      /** It has failed or was cancelled, so it is undone, not finished, even if it is complete. */
      readonly failed?: boolean;
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
    }
  /** A network adapter of a running machine is being changed; its engine and its `.vmx` must agree afterwards. */
  | { readonly kind: 'nic'; readonly change: 'remove' | 'set'; readonly index: number }
  | { readonly kind: 'nic'; readonly change: 'add'; readonly index: number; readonly nic: Nic };

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

/** Whether the disks of a snapshot are whole. */
function areSnapshotDisks(snapshot: unknown): boolean {
  if (snapshot === null) return true;
  const { disks } = snapshot as { disks?: unknown };
  if (!Array.isArray(disks)) return false;
  return disks.every((disk: unknown) => {
    if (typeof disk !== 'object' || disk === null) return false;
    const { slot, fileName } = disk as Record<string, unknown>;
    return typeof slot === 'string' && typeof fileName === 'string';
  });
}

function isNicChange({ change, index, nic }: Record<string, unknown>): boolean {
  if (typeof index !== 'number') return false;
  if (change !== 'add') return change === 'remove' || change === 'set';
  if (typeof nic !== 'object' || nic === null) return false;
  const { shape } = nic as Partial<Record<string, unknown>>;
  return (nic as { index?: unknown }).index === index && isShape(shape);
}

function isShape(shape: unknown): boolean {
  if (typeof shape !== 'object' || shape === null) return false;
  const { receive, transmit } = shape as Record<string, unknown>;
  return [receive, transmit].every((direction) => typeof direction === 'object' && direction !== null);
}

function isJournal(value: unknown): value is Journal {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, layers, checkpoint, files, kept, snapshot } = value as Record<string, unknown>;
  if (kind === 'disk') return areFiles(files, kept);
  if (kind === 'layer') return areLayers(layers) && snapshot !== undefined && areSnapshotDisks(snapshot);
  if (kind === 'revert') return areLayers(layers);
  if (kind === 'suspend') return typeof checkpoint === 'string';
  if (kind === 'nic') return isNicChange(value as Record<string, unknown>);
  return kind === 'tidy' || kind === 'clone';
}

/** Where the journal of a machine is, and which machine it is. */
type JournalNames = Pick<MachineNames, 'journal' | 'vmx'>;

function notOurs({ journal }: JournalNames): KameError {
  return new KameError(
    'BROKEN_MACHINE',
    `${journal} describes an interrupted change that Kame has no record of, so Kame does not follow it.`,
    {
      next: 'If the machine comes from elsewhere or from a backup, check its disks and move the file away; the machine is then as its .vmx describes it.',
      details: { path: journal },
    },
  );
}

function malformed({ journal }: JournalNames): KameError {
  return new KameError(
    'BROKEN_MACHINE',
    `${journal} is malformed, so Kame does not touch the disks of the machine.`,
    {
      next: 'Move the file away if you are sure that the .vmx names the right disks. Kame wrote it before a change to them.',
      details: { path: journal },
    },
  );
}

/** The content of a journal file, and the nonce of its record in the home; undefined when there is no file. */
async function readFile(names: JournalNames): Promise<{ journal: unknown; nonce: string } | undefined> {
  const bytes = await readOwnIfThere(names.journal, { maxBytes, trusted: true });
  if (!bytes) return undefined;
  try {
    const { nonce, ...journal } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    return { journal, nonce: typeof nonce === 'string' ? nonce : '' };
  } catch {
    throw malformed(names);
  }
}

/**
 * Writes the journal of a machine, after a record of it in the home. A second journal replaces the first.
 * @throws KameError DISK_FULL, FILE_ACCESS
 */
export async function writeJournal(
  home: HomeNames,
  names: JournalNames,
  journal: Journal,
  options: { readonly sync?: boolean } = {},
): Promise<void> {
  const previous = await readFile(names).catch(() => undefined);
  const place = { vmx: names.vmx, directory: dirname(names.journal) };
  const known = previous && (await isRecorded(home, previous.nonce, place));
  const nonce = known ? previous.nonce : await recordOperation(home, place, options);
  await writeFileAtomic(names.journal, `${JSON.stringify({ ...journal, nonce })}\n`, 0o600, options);
}

/**
 * The journal of an unfinished change, or undefined. It counts only if this home has recorded it: anyone may have put a
 * file with that name beside a `.vmx`, and a journal says which files to delete.
 * @throws KameError BROKEN_MACHINE, FILE_ACCESS
 */
export async function readJournal(home: HomeNames, names: MachineNames): Promise<Journal | undefined> {
  const found = await readFile(names);
  if (!found) return undefined;
  if (!isJournal(found.journal)) throw malformed(names);
  if (!(await isRecorded(home, found.nonce, names))) throw notOurs(names);
  return found.journal;
}

/** Removes the journal of a finished change, then its record. */
export async function removeJournal(home: HomeNames, names: JournalNames): Promise<void> {
  const found = await readFile(names).catch(() => undefined);
  await rm(names.journal, { force: true });
  if (found) await forgetOperation(home, found.nonce);
}
