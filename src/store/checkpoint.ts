import { rm, stat } from 'node:fs/promises';
import { KameError } from '../core/errors.ts';
import { readFileCapped, syncFiles, writeFileAtomic } from '../sys/files.ts';
import type { Extent } from '../sys/extents.ts';
import type { CheckpointNames } from './names.ts';

/** What must be the same to restore a checkpoint. */
export interface Fingerprint {
  /** Of QEMU, such as `7.2.22`; releases of one series (`7.2`) restore each other's states. */
  readonly version: string;
  readonly arch: string;
  readonly machineType: string;
  readonly cpu: string;
  readonly accelerator: string;
  readonly memoryMiB: number;
  readonly cpus: number;
}

/** Where RAM is: in a file of its own, of which only the extents hold data, or in the device state's stream. */
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
}

const maxRecordBytes = 4 * 1024 * 1024;

function damaged(names: CheckpointNames, why: string, cause?: unknown): KameError {
  return new KameError(
    'CHECKPOINT_MISMATCH',
    `The saved state in ${names.directory} can’t be used: ${why}.`,
    {
      cause,
      next: 'The disks are not concerned: `kame start NAME --discard-state` starts from them. A backup of that directory would bring the memory back.',
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

/** Extents must lie in the RAM, in order: they say what is read and written where. */
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

function parseRecord(text: string): CheckpointRecord | undefined {
  try {
    const value = JSON.parse(text) as CheckpointRecord;
    const whole = value.format === 1 && isFingerprint(value.engine) && isSavedRam(value.ram);
    const facts = Number.isSafeInteger(value.stateBytes) && typeof value.wasRunning === 'boolean';
    return whole && facts && typeof value.takenAt === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Not synced: it is written while a guest stands still; syncCheckpoint does that. */
export async function writeCheckpointRecord(names: CheckpointNames, record: CheckpointRecord): Promise<void> {
  await writeFileAtomic(names.record, `${JSON.stringify(record)}\n`, 0o600, { sync: false });
}

/** Makes sure that a checkpoint outlives a power failure; its RAM is synced when it is written. */
export async function syncCheckpoint(names: CheckpointNames): Promise<void> {
  await syncFiles(names.directory, [names.state, names.record]);
}

/**
 * What a checkpoint's memory is, where its RAM may not have its place yet.
 * @throws KameError CHECKPOINT_MISMATCH when the record or the state is missing, damaged or of another size
 */
export async function readWaitingRecord(names: CheckpointNames): Promise<CheckpointRecord> {
  const text = await readFileCapped(names.record, maxRecordBytes).catch((error: unknown) => {
    throw damaged(names, 'engine.json can’t be read', error);
  });
  const record = parseRecord(text.toString('utf8'));
  if (!record) throw damaged(names, 'engine.json makes no sense');
  const state = await stat(names.state).catch(() => undefined);
  if (state?.size !== record.stateBytes) throw damaged(names, 'its device state is missing or truncated');
  return record;
}

/**
 * What a checkpoint's memory is, after a look at its files.
 * @throws KameError CHECKPOINT_MISMATCH when the record or a file is missing, damaged or of another size
 */
export async function readCheckpointRecord(names: CheckpointNames): Promise<CheckpointRecord> {
  const record = await readWaitingRecord(names);
  if (record.ram.kind === 'file') {
    const ram = await stat(names.ram).catch(() => undefined);
    if (ram?.size !== record.ram.size) throw damaged(names, 'its RAM is missing or truncated');
  }
  return record;
}

/** Removes a checkpoint with all its files. */
export async function removeCheckpoint(names: CheckpointNames): Promise<void> {
  await rm(names.directory, { recursive: true, force: true });
}
