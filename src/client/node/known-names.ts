import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deadlineSignal } from '../../core/deadline.ts';
import type { KameClient } from './client.ts';

/** The time limit in milliseconds, short because a shell is waiting. */
const patienceMs = 1000;

/** The reply of a running daemon; undefined if there is none in time. */
async function inTime<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  using deadline = deadlineSignal(patienceMs, new AbortController().signal);
  return await ask(deadline.signal).catch(() => undefined);
}

/** As in src/store/names.ts, which a client must not import: where to look for machines without a daemon. */
const machinesDirectory = 'machines';
const bundleExtension = '.vmwarevm';

/** Names of machines for completion: from a running daemon, or else the bundles in the home directory. */
export async function knownMachines(client: KameClient): Promise<string[]> {
  const machines = await inTime(async (signal) => await client.machines.list({ signal }));
  if (machines) return machines.map(({ name }) => name);
  const names = await readdir(join(client.home, machinesDirectory)).catch(() => []);
  return names
    .filter((name) => name.endsWith(bundleExtension) && !name.startsWith('.'))
    .map((name) => name.slice(0, -bundleExtension.length));
}

/** Snapshots of a machine by label, or by path if several have the same label. Empty without a daemon. */
export async function knownSnapshots(client: KameClient, machine: string): Promise<string[]> {
  const snapshots = (await inTime(async (signal) => await client.snapshots.list(machine, { signal }))) ?? [];
  const labels = snapshots.map(({ label }) => label);
  return snapshots.map(({ label, path }) =>
    labels.indexOf(label) === labels.lastIndexOf(label) ? label : path,
  );
}

/** Slots of a machine's disks. Empty without a daemon. */
export async function knownDisks(client: KameClient, machine: string): Promise<string[]> {
  const disks = await inTime(async (signal) => await client.disks.list(machine, { signal }));
  return (disks ?? []).map(({ slot }) => slot);
}

/** Names of networks for completion. Without a daemon, those that always exist. */
export async function knownNetworks(client: KameClient): Promise<string[]> {
  const networks = await inTime(async (signal) => await client.networks.list({ signal }));
  return networks ? networks.map(({ name }) => name) : ['vmnet1', 'vmnet8'];
}

/** Ids of images for completion. Without a daemon, only the embedded image. */
export async function knownImages(client: KameClient): Promise<string[]> {
  const images = await inTime(async (signal) => await client.images.list({ signal }));
  return images ? [...new Set(images.map(({ id }) => id))] : ['tiny'];
}

/** Numbers of a machine's network adapters. Empty without a daemon. */
export async function knownNics(client: KameClient, machine: string): Promise<string[]> {
  const nics = await inTime(async (signal) => await client.nics.list(machine, { signal }));
  return (nics ?? []).map(({ index }) => String(index));
}

/** Names of a machine's shared folders. Empty without a daemon. */
export async function knownShares(client: KameClient, machine: string): Promise<string[]> {
  const shares = await inTime(async (signal) => await client.shares.list(machine, { signal }));
  return (shares?.folders ?? []).map(({ name }) => name);
}
