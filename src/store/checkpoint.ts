import { lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { errnoOf, KameError } from '../core/errors.ts';
import type { Extent } from '../sys/extents.ts';
import { fileError, isTemporaryName, syncFiles, writeFileAtomic } from '../sys/files.ts';
import { isOwnDirectory, readOwn } from '../sys/own-file.ts';
import { isCheckpointId, type CheckpointNames, type MachineNames } from './names.ts';

/** The properties of the engine that must match to restore a checkpoint. */
export interface Fingerprint {
  /** Version of QEMU, such as `7.2.22`; releases of one series (`7.2`) can restore each other's states. */
  readonly version: string;
  readonly arch: string;
  readonly machineType: string;
  readonly cpu: string;
  readonly accelerator: string;
  readonly memoryMiB: number;
  readonly cpus: number;
}

/**
 * Where the RAM is stored: in its own file, which has data only in the extents, or in the stream of the device state.
 */
export type SavedRam =
  | { readonly kind: 'file'; readonly size: number; readonly extents: readonly Extent[] }
  | { readonly kind: 'stream' };

/** `engine.json` of a checkpoint with memory. */
export interface CheckpointRecord {
  readonly format: 1;
  readonly engine: Fingerprint;
  readonly ram: SavedRam;
  readonly stateBytes: number;
  /** False when the machine was paused. */
  readonly wasRunning: boolean;
  /** ISO 8601 */
  readonly takenAt: string;
  /** The addresses of its adapters in their networks, by MAC. Absent in checkpoints of older versions. */
  readonly addresses?: Readonly<Record<string, string>>;
}

const maxRecordBytes = 4 * 1024 * 1024;

function damaged(names: CheckpointNames, why: string, cause?: unknown): KameError {
  return new KameError(
    'CHECKPOINT_MISMATCH',
    `The saved state in ${names.directory} cannot be used: ${why}.`,
    {
      cause,
      next: 'Restore the directory from a backup, or boot from the disks, which are intact: `kame start NAME --discard-state`.',
      details: { path: names.directory },
    },
  );
}

function isFingerprint(value: unknown): value is Fingerprint {
  if (typeof value !== 'object' || value === null) return false;
  const { version, arch, machineType, cpu, accelerator, memoryMiB, cpus } = value as Record<string, unknown>;
  const texts = [version, arch, machineType, cpu, accelerator];
  return (
    texts.every((text) => typeof text === 'string') && Number.isInteger(memoryMiB) && Number.isInteger(cpus)
  );
}

/** Whether a value is a list of extents inside the RAM, in order. They determine what is read and written. */
function areExtents(value: unknown, size: number): boolean {
  if (!Array.isArray(value)) return false;
  let end = 0;
  for (const extent of value as unknown[]) {
    if (!Array.isArray(extent) || extent.length !== 2) return false;
    const [start, length] = extent as [unknown, unknown];
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(length)) return false;
    if ((start as number) < end || (length as number) <= 0) return false;
    end = (start as number) + (length as number);
  }
  return end <= size;
}

function isSavedRam(value: unknown): value is SavedRam {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, size, extents } = value as Record<string, unknown>;
  if (kind === 'stream') return true;
  return kind === 'file' && Number.isSafeInteger(size) && areExtents(extents, size as number);
}

/** Whether a value is a map of addresses, or there is none. */
function areAddresses(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((address) => typeof address === 'string' && isIPv4(address));
}

function parseRecord(text: string): CheckpointRecord | undefined {
  try {
    const value = JSON.parse(text) as CheckpointRecord;
    const whole = value.format === 1 && isFingerprint(value.engine) && isSavedRam(value.ram);
    const facts = Number.isSafeInteger(value.stateBytes) && typeof value.wasRunning === 'boolean';
    const rest = typeof value.takenAt === 'string' && areAddresses(value.addresses);
    return whole && facts && rest ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Makes the directory of a checkpoint. @throws KameError FILE_ACCESS if it, or the one around it, is a link or not ours */
export async function makeCheckpointDirectory({ directory }: CheckpointNames): Promise<void> {
  await isOwnDirectory(dirname(directory));
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError(error, directory);
  }
  await isOwnDirectory(directory);
}

/** Writes the record without syncing it, because the guest is paused meanwhile; call syncCheckpoint later. */
export async function writeCheckpointRecord(names: CheckpointNames, record: CheckpointRecord): Promise<void> {
  await writeFileAtomic(names.record, `${JSON.stringify(record)}\n`, 0o600, { sync: false });
}

/** Flushes a checkpoint to the disk, except its RAM, which is synced when it is written. */
export async function syncCheckpoint(names: CheckpointNames): Promise<void> {
  await syncFiles(names.directory, [names.state, names.record]);
}

/** Size of a regular file in bytes; undefined if it is anything else. */
async function sizeOf(path: string): Promise<number | undefined> {
  return await lstat(path).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
}

async function readTrusted(names: CheckpointNames): Promise<Buffer> {
  for (const path of [dirname(names.directory), names.directory]) await isOwnDirectory(path);
  return await readOwn(names.record, { maxBytes: maxRecordBytes, trusted: true });
}

/**
 * Reads the record of a checkpoint whose RAM may not have been stored in its directory yet.
 * @throws KameError CHECKPOINT_MISMATCH when the record or the state is missing, damaged or has the wrong size
 */
export async function readWaitingRecord(names: CheckpointNames): Promise<CheckpointRecord> {
  const text = await readTrusted(names).catch((error: unknown) => {
    throw damaged(names, 'engine.json cannot be read', error);
  });
  const record = parseRecord(text.toString('utf8'));
  if (!record) throw damaged(names, 'engine.json is malformed');
  if ((await sizeOf(names.state)) !== record.stateBytes)
    throw damaged(names, 'its device state is missing or truncated');
  return record;
}

/**
 * Reads the record of a checkpoint and checks its files.
 * @throws KameError CHECKPOINT_MISMATCH when the record or a file is missing, damaged or has the wrong size
 */
export async function readCheckpointRecord(names: CheckpointNames): Promise<CheckpointRecord> {
  const record = await readWaitingRecord(names);
  if (record.ram.kind === 'file') {
    if ((await sizeOf(names.ram)) !== record.ram.size)
      throw damaged(names, 'its RAM is missing or truncated');
  }
  return record;
}

/** The ids of the checkpoints that a machine has. @throws KameError FILE_ACCESS if their directory is a link or not ours */
export async function listCheckpoints({ checkpoints }: MachineNames): Promise<string[]> {
  if (!(await isOwnDirectory(checkpoints))) return [];
  return (await readdir(checkpoints)).filter(isCheckpointId);
}

/** The files of a checkpoint that exist, incomplete ones too. Anything else in its directory is not ours. */
export async function checkpointFiles(names: CheckpointNames): Promise<string[]> {
  const { directory, state, ram, record, config, nvram, screen } = names;
  if (!(await isOwnDirectory(dirname(directory))) || !(await isOwnDirectory(directory))) return [];
  // The record first: without it, nothing takes what remains for a checkpoint.
  const known = [record, state, ram, `${ram}.part`, config, nvram, screen];
  const there = new Set((await readdir(directory)).map((name) => join(directory, name)));
  const temporary = [...there].filter((path) => isTemporaryName(basename(path)));
  return [...known.filter((path) => there.has(path)), ...temporary];
}

/**
 * Removes the files of a checkpoint, and its directory unless something else is in it, which is not ours.
 * @throws KameError FILE_ACCESS if a directory is a link or belongs to another user; nothing is removed then
 */
export async function removeCheckpoint(names: CheckpointNames): Promise<void> {
  try {
    for (const path of await checkpointFiles(names)) await rm(path, { force: true });
    await rmdir(names.directory);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw fileError(error, names.directory);
  }
}
