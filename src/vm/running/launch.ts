import { mkdir, rm } from 'node:fs/promises';
import { problemsToError } from '../../model/problem.ts';
import { validateModel } from '../../model/validate.ts';
import type { MachineModel } from '../../model/machine.ts';
import type { Layer } from '../../disk/chain.ts';
import type { Progress } from '../../core/progress.ts';
import { edit } from '../../vmx/document.ts';
import { versionText, type Capabilities } from '../../qemu/capabilities/capabilities.ts';
import { launch, type Engine } from '../../qemu/launch.ts';
import { formatPlan } from '../../qemu/plan/format.ts';
import type { FlashBytes, LaunchPlan, RamFile } from '../../qemu/plan/types.ts';
import { slotName } from '../../model/slots.ts';
import { diskNode } from '../../qemu/plan/drives.ts';
import { launchPlan } from '../../qemu/plan/launch-plan.ts';
import { appendLog, contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { runNames, type RunNames } from '../../store/names.ts';
import { hasRamPlace, ramFileOf } from '../../store/ram-place.ts';
import { writeRunRecord, type RunRecord } from '../../store/run-record.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import { handLock } from '../../sys/lock.ts';
import { chooseAccelerator } from '../engine/accelerator.ts';
import { checkFiles, diskChains } from '../layers/chains.ts';
import { engineFor, firmwareFor, flashSizes, hostFacts } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import type { Fingerprint } from '../../store/checkpoint.ts';
import { track } from './track.ts';
import type { Running } from '../host/running.ts';

/** How a machine is started other than by booting it. */
export interface LaunchOptions {
  /** RAM for it, null for memory of the engine alone; by default a shared file where there is room for one. */
  readonly ram?: RamFile | null;
  /** Waits for a checkpoint's state instead of booting. */
  readonly restore?: boolean;
  /** The chains of the disks by slot, where they are known. The engine opens their tops alone, `attachBeneath` the rest. */
  readonly topsOf?: ReadonlyMap<string, Layer>;
}

export interface Prepared {
  readonly model: MachineModel;
  readonly capabilities: Capabilities;
  readonly plan: LaunchPlan;
  /** Each disk's whole chain, by the name of its node. */
  readonly disks: ReadonlyMap<string, Layer>;
}

/** The tops of chains, as if nothing lay beneath them. */
function topsOf(chains: ReadonlyMap<string, Layer>): Map<string, Layer> {
  return new Map([...chains].map(([slot, { backing: _, ...top }]) => [slot, top]));
}

/** A shared file, so that checkpoints can take RAM from outside of the engine; nothing where there is no room for it. */
async function sharedRam(host: Host, run: RunNames, model: MachineModel): Promise<RamFile | undefined> {
  const room = await hasRamPlace(host.names, model.memoryMiB * 1024 * 1024);
  return room ? { path: ramFileOf(host.names, run), share: true } : undefined;
}

/** All that is decided before the engine starts; nothing is changed by it. */
export async function prepare(
  host: Host,
  bundle: Bundle,
  progress: Progress,
  options: LaunchOptions = {},
): Promise<Prepared> {
  const { model } = contentOf(bundle);
  const error = problemsToError(validateModel(model));
  if (error) throw error;
  const run = runNames(host.names, bundle.names.vmx);
  const capabilities = await engineFor(host, model.arch, { signal: progress.signal });
  const [firmware, chains] = await Promise.all([
    model.kame.directBoot ? [] : firmwareFor(host, capabilities),
    options.topsOf ?? diskChains(host, bundle, model),
    checkFiles(bundle.names, model),
  ]);
  const ram = options.ram === undefined ? await sharedRam(host, run, model) : options.ram;
  const accelerator = await chooseAccelerator(host, capabilities, model.kame.accelerator, progress);
  const sizes = options.restore ? await flashSizes(firmware) : new Map<string, FlashBytes>();
  const plan = launchPlan({
    model: { ...model, displayName: bundle.name },
    capabilities,
    firmware,
    host: hostFacts(),
    accelerator,
    paths: { bundle: bundle.names.directory, run: run.directory, serialLog: bundle.names.serialLog },
    disks: options.topsOf ? topsOf(chains) : chains,
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

/** An engine upgrade must not change a guest's hardware: the machine type of the first start stays. */
export async function pinMachineType(bundle: Bundle, machineType: string): Promise<void> {
  const { document, model } = contentOf(bundle);
  if (model.kame.machineType !== undefined) return;
  await writeVmx(bundle.names.vmx, edit(document, new Map([['kame.machineType', machineType]])));
}

/** What a checkpoint of a machine that is started so needs to be restored. */
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

/** An engine that runs and is not yet in the daemon's care: `track` takes it. */
export interface LaunchedEngine {
  readonly engine: Engine;
  readonly record: RunRecord;
}

function recordOf(bundle: Bundle, prepared: Prepared, begun: Begun): RunRecord {
  const { plan, capabilities } = prepared;
  const { accelerator, machineType, ram, resetEnds, setup, blockers } = plan;
  return {
    vmx: bundle.names.vmx,
    engine: null,
    engineVersion: versionText(capabilities),
    accelerator,
    acceleratorReason: plan.reason,
    machineType,
    fingerprint: fingerprintOf(prepared),
    ram,
    filled: [],
    resetEnds,
    restored: plan.restores ? 'loading' : 'no',
    setup,
    blockers,
    startedAt: begun.at.toISOString(),
    timings: { spawnMs: 0, qmpMs: 0, bootMs: null, agentMs: null },
  };
}

/** When the request came: as a time of day, and by `performance.now()`. */
export interface Begun {
  readonly at: Date;
  readonly clock: number;
}

/** Starts the engine of a plan; the machine's lock is held by this process, and handed to the engine. */
export async function launchEngine(
  host: Host,
  bundle: Bundle,
  prepared: Prepared,
  begun: Begun,
  progress: Progress,
): Promise<LaunchedEngine> {
  const { plan } = prepared;
  const { names } = bundle;
  const run = runNames(host.names, names.vmx);
  await clearRunDirectory(run);
  await mkdir(run.directory, { recursive: true, mode: 0o700 });
  if (!plan.restores) await rm(names.serialLog, { force: true });
  await appendLog(
    names,
    `starts on ${plan.accelerator} (${plan.reason}), QEMU ${versionText(prepared.capabilities)}:`,
  );
  await appendLog(names, formatPlan(plan).replaceAll('\n', ' '));
  const planned = recordOf(bundle, prepared, begun);
  // Written before there is an engine: if this daemon dies in between, the next one knows what it finds.
  await writeRunRecord(run, planned);
  const before = performance.now() - begun.clock;
  const { engine, timings } = await launch(plan, {
    logFile: names.log,
    signal: progress.signal,
  });
  try {
    const measured = { spawnMs: before + timings.spawnMs, qmpMs: before + timings.qmpMs };
    const record = { ...planned, engine: engine.process, timings: { ...planned.timings, ...measured } };
    // The lock lives as long as the engine.
    await handLock(names.lock, { ...engine.process, purpose: 'qemu' });
    await writeRunRecord(run, record);
    return { engine, record };
  } catch (error) {
    await engine.kill();
    throw error;
  }
}

/** Takes a launched engine into the daemon's care. */
export function trackLaunched(
  host: Host,
  bundle: Bundle,
  { engine, record }: LaunchedEngine,
  state: 'running' | 'paused',
): Running {
  const id = bundle.content?.model.uuid ?? '';
  const run = runNames(host.names, bundle.names.vmx);
  const machine = track(host, { names: bundle.names, run, name: bundle.name, id, engine, record, state });
  host.events.emit({
    type: 'machine.state',
    machine: machine.name,
    id: machine.id,
    state,
    message: `${machine.name} is ${state} on ${record.accelerator}.`,
  });
  return machine;
}
