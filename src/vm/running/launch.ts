import { mkdir } from 'node:fs/promises';
import type { Progress } from '../../core/progress.ts';
import type { Layer } from '../../disk/chain.ts';
import type { MachineModel } from '../../model/machine.ts';
import { problemsToError } from '../../model/problem.ts';
import { slotName } from '../../model/slots.ts';
import { validateModel } from '../../model/validate.ts';
import { versionText, type Capabilities } from '../../qemu/capabilities/capabilities.ts';
import { launch, type Engine } from '../../qemu/launch.ts';
import { diskNode } from '../../qemu/plan/drives.ts';
import { formatPlan } from '../../qemu/plan/format.ts';
import { launchPlan } from '../../qemu/plan/launch-plan.ts';
import type { FlashBytes, LaunchPlan, RamFile } from '../../qemu/plan/types.ts';
import { appendLog, contentOf, type Bundle } from '../../store/bundle.ts';
import type { Fingerprint } from '../../store/checkpoint.ts';
import { runNames, type RunNames } from '../../store/names.ts';
import { hasRamPlace, ramFileOf, reserveRam } from '../../store/ram-place.ts';
import { markOpen, tellProcess } from '../../store/open-marker.ts';
import { noTimings, writeRunRecord, type RunRecord } from '../../store/run-record.ts';
import { handLock } from '../../sys/lock.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import { chooseAccelerator } from '../engine/accelerator.ts';
import { bridgesOf } from '../engine/bridges.ts';
import { renderingFor } from '../engine/rendering.ts';
import { engineFor, firmwareFor, flashSizes, hostFacts } from '../engine/engine.ts';
import { prepareSerialLog } from '../engine/serial-log.ts';
import type { Host } from '../host/host.ts';
import { requireAgreed } from '../host/outside-files.ts';
import type { NewClone, Running } from '../host/running.ts';
import { refuseChangedBases, refuseSharedTops } from '../layers/bases.ts';
import { checkFiles, diskChains } from '../layers/chains.ts';
import { refuseOpenOriginals } from '../layers/originals.ts';
import { withOwnVariables } from './efi-variables.ts';
import { withHardware } from './hardware.ts';
import { watchStages } from './stages.ts';
import { track } from './track.ts';

/** Options for launches that differ from an ordinary boot. */
export interface LaunchOptions {
  /** The file of its RAM; null for private memory. By default a shared file, if there is space for one. */
  readonly ram?: RamFile | null;
  /** Waits for the state of a checkpoint instead of booting. */
  readonly restore?: boolean;
  /** The chains of the disks by slot, if known. The engine then opens only the top layers; `attachBeneath` opens the rest. */
  readonly topsOf?: ReadonlyMap<string, Layer>;
}

export interface Prepared {
  readonly model: MachineModel;
  readonly capabilities: Capabilities;
  readonly plan: LaunchPlan;
  /** The complete chain of each disk, by the name of its block node. */
  readonly disks: ReadonlyMap<string, Layer>;
  /** Why the RAM is not in a file, if that was decided for lack of room. */
  readonly ramNote?: string | null;
}

/** The top layers without their backing layers. */
function topsOf(chains: ReadonlyMap<string, Layer>): Map<string, Layer> {
  return new Map([...chains].map(([slot, { backing: _, ...top }]) => [slot, top]));
}

/** A shared file, so that checkpoints can copy RAM from outside the engine; undefined if there is no space for it. */
async function sharedRam(host: Host, run: RunNames, model: MachineModel): Promise<RamFile | undefined> {
  const room = await hasRamPlace(host.names, model.memoryMiB * 1024 * 1024);
  return room ? { path: ramFileOf(host.names, run), share: true } : undefined;
}

/** The RAM of a machine that is about to start, with its room reserved; or why it is not in a file. */
export interface BootRam {
  readonly ram: RamFile | null;
  readonly note: string | null;
}

/** Reserves the room for the RAM of a machine. @throws KameError BROKEN_MACHINE, FILE_ACCESS */
export async function bootRam(host: Host, bundle: Bundle): Promise<BootRam> {
  const { model } = contentOf(bundle);
  const error = problemsToError(validateModel(model));
  if (error) throw error;
  const run = runNames(host.names, bundle.names.vmx);
  const reserved = await reserveRam(host.names, run, model.memoryMiB * 1024 * 1024);
  if ('path' in reserved) return { ram: { path: reserved.path, share: true }, note: null };
  const note = `The RAM of ${bundle.name} is not in a file, so snapshots with memory and suspending take longer: ${reserved.reason}.`;
  return { ram: null, note };
}

/** The chain of each disk by its slot. Whoever knows them already has not asked about the files outside the bundle. */
async function chainsOf(
  host: Host,
  bundle: Bundle,
  model: MachineModel,
  known: ReadonlyMap<string, Layer> | undefined,
): Promise<ReadonlyMap<string, Layer>> {
  if (!known) return diskChains(host, bundle, model);
  await requireAgreed(host, bundle, model);
  return known;
}

/** Makes all decisions before the engine starts, without changing anything. */
export async function prepare(
  host: Host,
  bundle: Bundle,
  progress: Progress,
  options: LaunchOptions = {},
): Promise<Prepared> {
  const configured = await withOwnVariables(bundle.names, contentOf(bundle).model);
  const model = withHardware(bundle, configured, options.restore === true);
  const error = problemsToError(validateModel(model));
  if (error) throw error;
  const run = runNames(host.names, bundle.names.vmx);
  const capabilities = await engineFor(host, model.arch, { signal: progress.signal });
  const [firmware, chains, bridges] = await Promise.all([
    model.kame.directBoot ? [] : firmwareFor(host, capabilities),
    chainsOf(host, bundle, model, options.topsOf),
    bridgesOf(host, model, capabilities.binary),
    checkFiles(bundle, model),
  ]);
  await refuseChangedBases(bundle, chains.values());
  await refuseOpenOriginals(bundle, chains.values());
  // With `topsOf`, new layers get on top of these.
  if (!options.topsOf) await refuseSharedTops(host, bundle, chains.values());
  const ram = options.ram === undefined ? await sharedRam(host, run, model) : options.ram;
  const accelerator = await chooseAccelerator(host, capabilities, model.kame.accelerator, progress);
  const rendering = await renderingFor(host, capabilities, model, progress);
  const sizes = options.restore ? await flashSizes(firmware) : new Map<string, FlashBytes>();
  const plan = launchPlan({
    model: { ...model, displayName: bundle.name },
    capabilities,
    firmware,
    host: hostFacts(),
    accelerator,
    paths: { bundle: bundle.names.directory, run: run.directory, serialLog: bundle.names.serialLog },
    ...(rendering ? { rendering } : {}),
    disks: options.topsOf ? topsOf(chains) : chains,
    bridges,
    ...(ram ? { ram } : {}),
    ...(options.restore ? { restore: true, flashBytes: (descriptor) => sizes.get(descriptor.file) } : {}),
  });
  const disks = new Map(
    model.disks.flatMap((disk) => {
      const chain = chains.get(slotName(disk));
      return chain ? [[diskNode(disk), chain] as const] : [];
    }),
  );
  return { model, capabilities, plan, disks };
}

/** What must be the same when a checkpoint of a machine started with this plan is restored. */
export function fingerprintOf({ capabilities, plan, model }: Prepared): Fingerprint {
  return {
    version: versionText(capabilities),
    arch: model.arch,
    machineType: plan.machineType,
    cpu: plan.cpu,
    accelerator: plan.accelerator,
    memoryMiB: model.memoryMiB,
    cpus: model.cpus,
  };
}

/** A running engine that the daemon does not track yet. */
export interface LaunchedEngine {
  readonly engine: Engine;
  readonly record: RunRecord;
}

function recordOf(bundle: Bundle, prepared: Prepared, requested: RequestTime): RunRecord {
  const { plan, capabilities } = prepared;
  const { accelerator, machineType, hardware, networks, ram, resetEnds, setup, blockers, graphics } = plan;
  return {
    vmx: bundle.names.vmx,
    engine: null,
    engineVersion: versionText(capabilities),
    accelerator,
    acceleratorReason: plan.reason,
    machineType,
    hardware,
    networks,
    fingerprint: fingerprintOf(prepared),
    ram,
    filled: [],
    resetEnds,
    restored: plan.restores ? 'loading' : 'no',
    setup,
    blockers,
    graphics,
    guestInfo: {},
    ramNote: prepared.ramNote ?? null,
    startedAt: requested.at.toISOString(),
    timings: { spawnMs: 0, qmpMs: 0, ...noTimings },
  };
}

/** When the request arrived: by the date, and by `performance.now()`. */
export interface RequestTime {
  readonly at: Date;
  readonly clock: number;
}

/** Starts the engine of a plan, and passes the machine's lock, which this process holds, to the engine. */
export async function launchEngine(
  host: Host,
  bundle: Bundle,
  prepared: Prepared,
  requested: RequestTime,
  progress: Progress,
): Promise<LaunchedEngine> {
  const { plan } = prepared;
  const { names } = bundle;
  const run = runNames(host.names, names.vmx);
  await clearRunDirectory(run);
  await mkdir(run.directory, { recursive: true, mode: 0o700 });
  await markOpen(names);
  await prepareSerialLog(names.serialLog, plan.restores);
  await appendLog(
    names,
    `starting on ${plan.accelerator} (${plan.reason}), QEMU ${versionText(prepared.capabilities)}:`,
  );
  await appendLog(names, formatPlan(plan).replaceAll('\n', ' '));
  const planned = recordOf(bundle, prepared, requested);
  // Written before the engine starts: if this daemon dies in between, the next one can identify the engine.
  await writeRunRecord(run, planned);
  const before = performance.now() - requested.clock;
  const { engine, timings } = await launch(plan, {
    logFile: names.log,
    signal: progress.signal,
  });
  try {
    const measured = { spawnMs: before + timings.spawnMs, qmpMs: before + timings.qmpMs };
    const record = { ...planned, engine: engine.process, timings: { ...planned.timings, ...measured } };
    // The lock is held for as long as the engine lives.
    await handLock(names.lock, { ...engine.process, purpose: 'qemu' });
    await writeRunRecord(run, record);
    await tellProcess(names, engine.process.pid);
    return { engine, record };
  } catch (error) {
    await engine.kill();
    throw error;
  }
}

/** Tracks a launched engine as a running machine. */
export function trackLaunched(
  host: Host,
  bundle: Bundle,
  { engine, record }: LaunchedEngine,
  state: 'running' | 'paused',
  newClone?: NewClone,
): Running {
  const id = bundle.content?.model.uuid ?? '';
  const run = runNames(host.names, bundle.names.vmx);
  const { names, name } = bundle;
  const machine = track(host, { names, run, name, id, engine, record, state, newClone });
  watchStages(host, machine);
  host.events.emit({
    type: 'machine.state',
    machine: machine.name,
    id: machine.id,
    state,
    message: `${machine.name} is ${state} on ${record.accelerator}.`,
  });
  return machine;
}
