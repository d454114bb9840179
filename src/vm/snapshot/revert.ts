import { existsSync } from 'node:fs';
import type { RevertedMachine, RevertSnapshot } from '../../api/checkpoint.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Layer } from '../../disk/chain.ts';
import { readModel } from '../../model/read.ts';
import { slotName } from '../../model/slots.ts';
import { shellQuote } from '../../core/shell-word.ts';
import { appendLog, contentOf, readBundle, writeVmx, type Bundle } from '../../store/bundle.ts';
import { readCheckpointRecord, type CheckpointRecord } from '../../store/checkpoint.ts';
import { removeJournal, writeJournal, type LayerChange } from '../../store/journal.ts';
import { checkpointNames, vmStateOf } from '../../store/names.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { releaseLock, takeLock } from '../../sys/lock.ts';
import { edit, getText, type VmxDocument } from '../../vmx/document.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { agreements } from '../host/outside-files.ts';
import type { Running } from '../host/running.ts';
import { undo } from '../host/undo.ts';
import { layerDirectories, snapshotChain } from '../layers/chains.ts';
import { createLayers, nameLayers, withLayers } from '../layers/layers.ts';
import { refuseMismatch } from '../memory/fingerprint.ts';
import { powerOn, started } from '../power/start.ts';
import { summary } from '../running/describe.ts';
import { checkVariables } from '../running/efi-variables.ts';
import { fingerprintOf, prepare } from '../running/launch.ts';
import { finishRevert } from './recover-revert.ts';
import { snapshotOf } from './snapshot-list.ts';

/**
 * Where the machine is now, which its snapshot does not know if it has been moved since. The place is that of a UUID: a copy
 * that was given its own since the snapshot is asked about again.
 */
function placeOf({ content }: Bundle, kept: Bundle): Array<[string, string]> {
  const place = content && getText(content.document, 'uuid.location');
  const isSame = content !== undefined && kept.content?.model.uuid === content.model.uuid;
  return place !== undefined && isSame ? [['uuid.location', place]] : [];
}

/** The `.vmx` after a revert: that of the snapshot, on new layers, with the current name, folder and place of the machine. */
async function configOf(
  bundle: Bundle,
  snapshot: Snapshot,
  layers: readonly LayerChange[],
): Promise<VmxDocument> {
  const checkpoint = checkpointNames(bundle.names, String(snapshot.uid));
  // Another program keeps a snapshot's configuration in a format of its own; then only the disks are reverted.
  const kept = existsSync(checkpoint.config) ? await readBundle(checkpoint.config) : bundle;
  const { document } = contentOf({ ...kept, name: bundle.name });
  return edit(
    withLayers(document, layers),
    new Map([
      ['displayName', bundle.name],
      ['kame.folder', bundle.content?.model.kame.folder ?? null],
      ['checkpoint.vmState', snapshot.withMemory ? vmStateOf(bundle.names, checkpoint.id) : ''],
      ...placeOf(bundle, kept),
    ]),
  );
}

/** The commands that start a machine from the disks of a snapshot whose memory cannot be used. */
function fromDisksOf(bundle: Bundle, { displayName }: Snapshot): string {
  const name = shellQuote(bundle.name);
  return `kame snapshot revert ${name} ${shellQuote(displayName)} --no-start and then kame start ${name} --discard-state`;
}

async function recordOf(bundle: Bundle, snapshot: Snapshot): Promise<CheckpointRecord> {
  try {
    return await readCheckpointRecord(checkpointNames(bundle.names, String(snapshot.uid)));
  } catch (error) {
    if (!(error instanceof KameError)) throw error;
    throw new KameError(error.code, error.message, {
      next: `The disks of the snapshot are not affected: start from them with ${fromDisksOf(bundle, snapshot)}. To get the memory back, restore that directory from a backup.`,
      details: { ...error.details, machine: bundle.name },
      cause: error,
    });
  }
}

/** Refuses a snapshot whose memory the current engine cannot restore. */
async function checkMemory(
  host: Host,
  bundle: Bundle,
  snapshot: Snapshot,
  document: VmxDocument,
  chains: ReadonlyMap<string, Layer>,
  progress: Progress,
): Promise<void> {
  const record = await recordOf(bundle, snapshot);
  const { model } = readModel(document);
  // Damage to the current disks may be the reason for the revert: only those of the snapshot are examined.
  const disks = model.disks.filter((disk) => chains.has(slotName(disk)));
  const probe: Bundle = { ...bundle, content: { document, model: { ...model, disks } } };
  const prepared = await prepare(host, probe, progress, { restore: true, ram: null, topsOf: chains });
  refuseMismatch(bundle.name, record.engine, fingerprintOf(prepared), fromDisksOf(bundle, snapshot));
}

/**
 * Refuses a snapshot whose EFI variables cannot be restored, or would be written to a file of the host: it has a configuration
 * of its own, which nobody was asked about.
 */
async function refuseVariables(
  host: Host,
  bundle: Bundle,
  { uid, displayName }: Snapshot,
  document: VmxDocument,
): Promise<void> {
  const checkpoint = checkpointNames(bundle.names, String(uid));
  await checkVariables(checkpoint);
  const { model } = readModel(document);
  const outside = await agreements(host, bundle, { ...model, disks: [], cdroms: [], floppies: [] });
  const file = outside.find(({ writable, agreed }) => writable && !agreed);
  if (!file) return;
  throw new KameError(
    'OUTSIDE_FILES',
    `The snapshot ${displayName} of ${bundle.name} names ${file.path} for its EFI variables, outside the machine’s directory.`,
    {
      next: `If you trust it, remove the line with nvram from ${checkpoint.config}: the machine then has them in its directory.`,
      details: { machine: bundle.name, path: file.path },
    },
  );
}

/** The chains of a snapshot's disks, checked before anything is changed. */
async function chainsOf(host: Host, bundle: Bundle, snapshot: Snapshot): Promise<Map<string, Layer>> {
  const inside = await layerDirectories(host, bundle);
  const chains = new Map<string, Layer>();
  for (const { slot, fileName } of snapshot.disks) {
    chains.set(slot, await snapshotChain(bundle, fileName, { inside }));
  }
  return chains;
}

async function revertHeld(
  host: Host,
  bundle: Bundle,
  snapshot: Snapshot,
  options: RevertSnapshot,
  progress: Progress,
): Promise<void> {
  const files = new Map(snapshot.disks.map(({ slot, fileName }) => [slot, fileName]));
  const layers = await nameLayers(bundle.names, files);
  const document = await configOf(bundle, snapshot, layers);
  await refuseVariables(host, bundle, snapshot, document);
  const chains = await chainsOf(host, bundle, snapshot);
  const resumes = snapshot.withMemory && options.start;
  if (resumes) await checkMemory(host, bundle, snapshot, document, chains, progress);
  await writeJournal(host.names, bundle.names, { kind: 'revert', uid: snapshot.uid, layers });
  try {
    await createLayers(bundle.names, layers, chains);
    const machine = host.running.get(bundle.names.vmx);
    if (progress.signal.aborted)
      throw new KameError('CANCELLED', `The revert of ${bundle.name} was cancelled.`);
    progress.report({ stage: `Reverting ${bundle.name} to ${snapshot.displayName}` });
    await machine?.engine.quit();
    await machine?.ended;
    await takeLock(bundle.names.lock, 'kamed', bundle.name);
    try {
      await writeVmx(bundle.names.vmx, document);
      await finishRevert(host, await host.bundles.read(bundle.names.vmx), snapshot.uid);
    } finally {
      await releaseLock(bundle.names.lock);
    }
    await removeJournal(host.names, bundle.names);
    await appendLog(bundle.names, `reverted to the snapshot ${snapshot.displayName}`);
  } catch (error) {
    throw await undo(host, bundle, error);
  }
}

/** Resumes a reverted machine, which is suspended in the snapshot. */
async function resumeFromSnapshot(
  host: Host,
  vmx: string,
  snapshot: Snapshot,
  progress: Progress,
): Promise<Running> {
  const reverted = await findBundle(host, vmx);
  try {
    return await powerOn(host, reverted, progress);
  } catch (error) {
    if (!(error instanceof KameError) || error.code !== 'CANCELLED') throw error;
    throw new KameError(
      'CANCELLED',
      `${reverted.name} was reverted to the snapshot ${snapshot.displayName}, but resuming it was cancelled: it is suspended.`,
      { next: `kame start ${reverted.name} resumes it.`, details: { machine: reverted.name }, cause: error },
    );
  }
}

/**
 * Reverts a machine to a snapshot; its current state is lost. From a snapshot with memory the machine resumes, or remains
 * suspended in it with `start: false`.
 * @throws KameError NO_SUCH_SNAPSHOT, CHECKPOINT_MISMATCH, BAD_IMAGE, FILE_ACCESS, DISK_FULL, ENGINE_*
 */
export async function revertSnapshot(
  host: Host,
  reference: string,
  snapshotReference: string,
  options: RevertSnapshot,
  progress: Progress,
): Promise<RevertedMachine> {
  const { vmx, machine, snapshot } = await hold(host, reference, 'revert', async ({ bundle }) => {
    const { tree } = await readSnapshotFile(bundle.names);
    const which = snapshotOf(bundle, tree, snapshotReference);
    await revertHeld(host, bundle, which, options, progress);
    const starts = which.withMemory && options.start;
    return {
      vmx: bundle.names.vmx,
      snapshot: which,
      machine: starts ? await resumeFromSnapshot(host, bundle.names.vmx, which, progress) : null,
    };
  });
  const notes =
    machine?.state === 'running' ? ((await started(host, machine, options, progress)).notes ?? []) : [];
  const after = await summary(host, await findBundle(host, vmx));
  return { ...after, snapshot: snapshot.displayName, notes };
}
