import { mkdir, rm } from 'node:fs/promises';
import { problemsToError } from '../../model/problem.ts';
import { validateSpec } from '../../model/validate.ts';
import type { MachineSpec } from '../../model/machine.ts';
import type { Layer } from '../../disk/chain.ts';
import type { Progress } from '../../core/progress.ts';
import { edit } from '../../vmx/document.ts';
import { versionText, type Capabilities } from '../../qemu/capabilities/capabilities.ts';
import { launch, type EngineMachine } from '../../qemu/launch.ts';
import { formatPlan } from '../../qemu/plan/format.ts';
import type { FlashBytes, LaunchPlan, RamFile } from '../../qemu/plan/types.ts';
import { slotName } from '../../qemu/plan/controllers.ts';
import { diskNode } from '../../qemu/plan/drives.ts';
import { plan } from '../../qemu/plan/launch-plan.ts';
import { appendLog, contentOf, writeMachineFile, type MachineFile } from '../../store/bundle.ts';
import { runNames, type RunNames } from '../../store/names.ts';
import { hasRamPlace, ramFileOf } from '../../store/ram-place.ts';
import { removeRunDirectory, writeRunRecord, type RunRecord } from '../../store/run-record.ts';
import { handLock } from '../../sys/lock.ts';
import { chooseAccelerator } from '../engine/accelerator.ts';
import { checkFiles, diskChains } from '../layers/chains.ts';
import { engineFor, firmwareFor, flashSizes, hostFacts } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import type { Fingerprint } from '../../store/checkpoint.ts';
import { track } from './track.ts';
import type { RunningMachine } from '../host/running.ts';

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
  readonly spec: MachineSpec;
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
async function sharedRam(host: Host, run: RunNames, spec: MachineSpec): Promise<RamFile | undefined> {
  const room = await hasRamPlace(host.names, spec.memoryMiB * 1024 * 1024);
  return room ? { path: ramFileOf(host.names, run), share: true } : undefined;
}

/** All that is decided before the engine starts; nothing is changed by it. */
export async function prepare(
  host: Host,
  file: MachineFile,
  progress: Progress,
  options: LaunchOptions = {},
): Promise<Prepared> {
  const { spec } = contentOf(file);
  const error = problemsToError(validateSpec(spec));
  if (error) throw error;
  const run = runNames(host.names, file.names.vmx);
  const capabilities = await engineFor(host, spec.arch, { signal: progress.signal });
  const [firmware, chains] = await Promise.all([
    spec.kame.directBoot ? [] : firmwareFor(host, capabilities),
    options.topsOf ?? diskChains(host, file, spec),
    checkFiles(file.names, spec),
  ]);
  const ram = options.ram === undefined ? await sharedRam(host, run, spec) : options.ram;
  const accelerator = await chooseAccelerator(host, capabilities, spec.kame.accelerator, progress);
  const sizes = options.restore ? await flashSizes(firmware) : new Map<string, FlashBytes>();
  const launchPlan = plan({
    spec: { ...spec, displayName: file.name },
    capabilities,
    firmware,
    host: hostFacts(),
    accelerator,
    paths: { bundle: file.names.directory, run: run.directory, serialLog: file.names.serialLog },
    disks: options.topsOf ? topsOf(chains) : chains,
    ...(ram ? { ram } : {}),
    ...(options.restore ? { restore: true, flashBytes: (descriptor) => sizes.get(descriptor.file) } : {}),
  });
  const disks = new Map(
    spec.disks.flatMap((disk) => {
      const chain = chains.get(slotName(disk));
      return chain ? [[diskNode(disk), chain] as const] : [];
    }),
  );
  return { spec, capabilities, plan: launchPlan, disks };
}

/** An engine upgrade must not change a guest's hardware: the machine type of the first start stays. */
export async function pinMachineType(file: MachineFile, machineType: string): Promise<void> {
  const { document, spec } = contentOf(file);
  if (spec.kame.machineType !== undefined) return;
  await writeMachineFile(file.names.vmx, edit(document, new Map([['kame.machineType', machineType]])));
}

/** What a checkpoint of a machine that is started so needs to be restored. */
export function fingerprintOf({ capabilities, plan: launchPlan, spec }: Prepared): Fingerprint {
  return {
    version: versionText(capabilities),
    arch: spec.arch,
    machineType: launchPlan.machineType,
    cpu: launchPlan.cpu,
    accelerator: launchPlan.accelerator,
    memoryMiB: spec.memoryMiB,
    cpus: spec.cpus,
  };
}

/** An engine that runs and is not yet in the daemon's care: `track` takes it. */
export interface LaunchedEngine {
  readonly engine: EngineMachine;
  readonly record: RunRecord;
}

function recordOf(file: MachineFile, prepared: Prepared, begun: Begun): RunRecord {
  const { plan: launchPlan, capabilities } = prepared;
  const { accelerator, machineType, ram, resetEnds, setup } = launchPlan;
  return {
    vmx: file.names.vmx,
    engine: null,
    engineVersion: versionText(capabilities),
    accelerator,
    acceleratorReason: launchPlan.reason,
    machineType,
    fingerprint: fingerprintOf(prepared),
    ram,
    filled: [],
    resetEnds,
    restored: launchPlan.restores ? 'loading' : 'no',
    setup,
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
  file: MachineFile,
  prepared: Prepared,
  begun: Begun,
  progress: Progress,
): Promise<LaunchedEngine> {
  const { plan: launchPlan } = prepared;
  const { names } = file;
  const run = runNames(host.names, names.vmx);
  await removeRunDirectory(run);
  await mkdir(run.directory, { recursive: true, mode: 0o700 });
  if (!launchPlan.restores) await rm(names.serialLog, { force: true });
  await appendLog(
    names,
    `starts on ${launchPlan.accelerator} (${launchPlan.reason}), QEMU ${versionText(prepared.capabilities)}:`,
  );
  await appendLog(names, formatPlan(launchPlan).replaceAll('\n', ' '));
  const planned = recordOf(file, prepared, begun);
  // Written before there is an engine: if this daemon dies in between, the next one knows what it finds.
  await writeRunRecord(run, planned);
  const before = performance.now() - begun.clock;
  const { machine: engine, timings } = await launch(launchPlan, {
    logFile: names.log,
    signal: progress.signal,
  });
  try {
    const measured = { spawnMs: before + timings.spawnMs, qmpMs: before + timings.qmpMs };
    const record = { ...planned, engine: engine.identity, timings: { ...planned.timings, ...measured } };
    // The lock lives as long as the engine.
    await handLock(names.lock, { ...engine.identity, purpose: 'qemu' });
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
  file: MachineFile,
  { engine, record }: LaunchedEngine,
  state: 'running' | 'paused',
): RunningMachine {
  const id = file.content?.spec.uuid ?? '';
  const run = runNames(host.names, file.names.vmx);
  const machine = track(host, { names: file.names, run, name: file.name, id, engine, record, state });
  host.events.emit({
    type: 'machine.state',
    machine: machine.name,
    id: machine.id,
    state,
    message: `${machine.name} is ${state} on ${record.accelerator}.`,
  });
  return machine;
}
