import { readFile, rm } from 'node:fs/promises';
import { KameError } from '../core/errors.ts';
import { writeFileAtomic } from '../sys/files.ts';
import type { ProcessIdentity } from '../sys/process-identity.ts';
import type { Extent } from '../sys/extents.ts';
import type { Fingerprint } from './checkpoint.ts';
import type { RunNames } from './names.ts';

/** What must be known of a running machine after the daemon's death, beside what the engine itself can tell. */
export interface RunRecord {
  readonly vmx: string;
  /** Null until the engine's monitor has answered: its pid file tells who it is, even when we could not. */
  readonly engine: ProcessIdentity | null;
  readonly engineVersion: string;
  readonly accelerator: 'kvm' | 'hvf' | 'tcg';
  readonly acceleratorReason: string;
  readonly machineType: string;
  /** What its checkpoints need to be restored. */
  readonly fingerprint: Fingerprint;
  /** The file that holds guest RAM, and whether it does so for other processes too; null when RAM is in the engine alone. */
  readonly ram: { readonly path: string; readonly share: boolean } | null;
  /** Parts of the RAM file that were filled before the engine started. */
  readonly filled: readonly Extent[];
  /** A reset by the guest ends the engine; it is started anew then. */
  readonly resetEnds: boolean;
  /** `loading` until a checkpoint's state is complete in the engine and the guest is about to go on, or to stay paused. */
  readonly restored: 'no' | 'loading' | 'loading paused' | 'yes';
  /** The devices that keep its memory from being saved, as the launch plan named them. */
  readonly blockers: readonly { readonly device: string; readonly reason: string; readonly remedy: string }[];
  /** The plan's monitor commands: a daemon that died before `engine` was written may not have sent them. */
  readonly setup: readonly unknown[];
  /** ISO 8601 */
  readonly startedAt: string;
  readonly timings: { spawnMs: number; qmpMs: number; bootMs: number | null; agentMs: number | null };
}

export async function writeRunRecord(names: RunNames, record: RunRecord): Promise<void> {
  // It speaks of a process: after a restart of the host there is none.
  await writeFileAtomic(names.record, `${JSON.stringify(record, null, 2)}\n`, 0o600, { sync: false });
}

/** The record, or undefined when there is none or it is half of one. */
export async function readRunRecord(names: RunNames): Promise<RunRecord | undefined> {
  try {
    const value = JSON.parse(await readFile(names.record, 'utf8')) as RunRecord;
    if (typeof value.accelerator !== 'string' || typeof value.startedAt !== 'string') return undefined;
    if (typeof value.fingerprint !== 'object' || value.fingerprint === null) return undefined;
    if (typeof value.timings?.qmpMs !== 'number' || !Array.isArray(value.setup)) return undefined;
    // A record of a version that did not write them yet.
    return { ...value, blockers: Array.isArray(value.blockers) ? value.blockers : [] };
  } catch {
    return undefined;
  }
}

/** Removes the sockets and the record of a machine that no longer runs. */
export async function removeRunDirectory(names: RunNames): Promise<void> {
  try {
    await rm(names.directory, { recursive: true, force: true });
  } catch (error) {
    throw new KameError('FILE_ACCESS', `${names.directory} could not be removed.`, { cause: error });
  }
}
