import { rm } from 'node:fs/promises';
import { KameError } from '../core/errors.ts';
import { firstHardware } from '../model/hardware.ts';
import type { NetworkPort } from '../model/network-port.ts';
import type { Extent } from '../sys/extents.ts';
import { writeFileAtomic } from '../sys/files.ts';
import { readOwn } from '../sys/own-file.ts';
import type { ProcessIdentity } from '../sys/process-identity.ts';
import type { Fingerprint } from './checkpoint.ts';
import type { RunNames } from './names.ts';

/** What the next daemon must know about a running machine, in addition to what the engine itself reports. */
export interface RunRecord {
  readonly vmx: string;
  /** Null until the monitor of the engine has responded; until then, its pid file identifies the process. */
  readonly engine: ProcessIdentity | null;
  readonly engineVersion: string;
  readonly accelerator: 'kvm' | 'hvf' | 'tcg';
  readonly acceleratorReason: string;
  readonly machineType: string;
  /** Generation of the virtual hardware. */
  readonly hardware: number;
  /** The adapters of the engine that listen for a switch. */
  readonly networks: readonly NetworkPort[];
  /** What must match to restore its checkpoints. */
  readonly fingerprint: Fingerprint;
  /**
   * The file with the guest RAM, and whether other processes share it; null if the RAM is anonymous memory of the
   * engine.
   */
  readonly ram: { readonly path: string; readonly share: boolean } | null;
  /** Why the RAM is not in a file, for the user; null if it is, or if that needs no words. */
  readonly ramNote: string | null;
  /** Parts of the RAM file that were filled before the engine started. */
  readonly filled: readonly Extent[];
  /** A reset by the guest ends the engine, which is then started again. */
  readonly resetEnds: boolean;
  /**
   * `loading` until the engine has loaded the state of a checkpoint, and the guest is about to resume or stays paused.
   */
  readonly restored: 'no' | 'loading' | 'loading paused' | 'yes';
  /** The devices that prevent its memory from being saved, from the launch plan. */
  readonly blockers: readonly { readonly device: string; readonly reason: string; readonly remedy: string }[];
  /** What became of its wish for 3D, from the launch plan; null without one. */
  readonly graphics: { readonly accelerated: boolean; readonly note: string } | null;
  /** Variables of the guest that were set since it started, by their keys in lower case. */
  readonly guestInfo: Readonly<Record<string, string>>;
  /** The monitor commands of the plan: a daemon that died before `engine` was written may not have sent them. */
  readonly setup: readonly unknown[];
  /** ISO 8601 */
  readonly startedAt: string;
  readonly timings: {
    readonly spawnMs: number;
    readonly qmpMs: number;
    readonly bootMs: number | null;
    readonly firmwareMs: number | null;
    readonly kernelMs: number | null;
    readonly agentMs: number | null;
    readonly networkMs: number | null;
    readonly loginMs: number | null;
    readonly desktopMs: number | null;
  };
}

/** It lists the extents of the RAM that were filled. */
const maxBytes = 64 * 1024 * 1024;

export async function writeRunRecord(names: RunNames, record: RunRecord): Promise<void> {
  // Not synced: it describes a process, which does not survive a restart of the host.
  await writeFileAtomic(names.record, `${JSON.stringify(record, null, 2)}\n`, 0o600, { sync: false });
}

/** The times of a start of which nothing is known yet. */
export const noTimings = {
  bootMs: null,
  firmwareMs: null,
  kernelMs: null,
  agentMs: null,
  networkMs: null,
  loginMs: null,
  desktopMs: null,
} as const;

/** Fills in what a version that did not have it yet has not written. */
function withDefaults(value: RunRecord): RunRecord {
  return {
    ...value,
    timings: { ...noTimings, ...value.timings },
    hardware: typeof value.hardware === 'number' ? value.hardware : firstHardware,
    networks: Array.isArray(value.networks) ? value.networks : [],
    blockers: Array.isArray(value.blockers) ? value.blockers : [],
    ramNote: typeof value.ramNote === 'string' ? value.ramNote : null,
    guestInfo: typeof value.guestInfo === 'object' ? value.guestInfo : {},
    graphics: typeof value.graphics?.note === 'string' ? value.graphics : null,
  };
}

/** The record, or undefined if it is missing or incomplete. */
export async function readRunRecord(names: RunNames): Promise<RunRecord | undefined> {
  try {
    const value = JSON.parse(
      (await readOwn(names.record, { maxBytes, trusted: true })).toString('utf8'),
    ) as RunRecord;
    if (typeof value.accelerator !== 'string' || typeof value.startedAt !== 'string') return undefined;
    if (typeof value.fingerprint !== 'object' || value.fingerprint === null) return undefined;
    if (typeof value.timings?.qmpMs !== 'number' || !Array.isArray(value.setup)) return undefined;
    return withDefaults(value);
  } catch {
    return undefined;
  }
}

/** Removes the sockets and the record of a machine that is no longer running. */
export async function removeRunDirectory(names: RunNames): Promise<void> {
  try {
    await rm(names.directory, { recursive: true, force: true });
  } catch (error) {
    throw new KameError('FILE_ACCESS', `${names.directory} could not be removed.`, { cause: error });
  }
}
