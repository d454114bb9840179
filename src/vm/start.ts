import { mkdir, rm } from 'node:fs/promises';
import { KameError } from '../core/errors.ts';
import { silentProgress, type Progress } from '../core/progress.ts';
import type { LaunchPlanReply, StartedMachine, StartMachine, WaitFor } from '../api/machine.ts';
import { problemsToError } from '../spec/problem.ts';
import { validateSpec } from '../spec/validate.ts';
import type { MachineSpec } from '../spec/machine.ts';
import { edit } from '../vmx/document.ts';
import { versionText, type Capabilities } from '../qemu/capabilities/capabilities.ts';
import { launch } from '../qemu/machine.ts';
import { formatPlan } from '../qemu/plan/format.ts';
import type { LaunchPlan } from '../qemu/plan/launch-plan.ts';
import { plan } from '../qemu/plan/plan.ts';
import { appendLog, contentOf, writeMachineFile, type MachineFile } from '../store/machine-file.ts';
import { runNames } from '../store/names.ts';
import { removeRunDirectory, writeRunRecord, type RunRecord } from '../store/run-record.ts';
import { handLock, lockHolder, releaseLock, takeLock } from '../sys/lock.ts';
import { chooseAccelerator } from './accelerator.ts';
import { summary } from './describe.ts';
import { checkedDisks, checkFiles } from './disks.ts';
import { engineFor, firmwareFor, hostFacts } from './engine.ts';
import { findMachine } from './find.ts';
import { ensureUuid } from './identity.ts';
import type { Host } from './host.ts';
import type { RunningMachine } from './running.ts';
import { stateOf } from './state.ts';
import { track } from './track.ts';
import { waitFor } from './wait.ts';

const defaultTimeoutMs = 300_000;

interface Prepared {
  readonly spec: MachineSpec;
  readonly capabilities: Capabilities;
  readonly plan: LaunchPlan;
}

/** All that is decided before the engine starts; nothing is changed by it. */
async function prepare(host: Host, file: MachineFile, progress: Progress): Promise<Prepared> {
  const { spec } = contentOf(file);
  const error = problemsToError(validateSpec(spec));
  if (error) throw error;
  const run = runNames(host.names, file.names.vmx);
  const capabilities = await engineFor(host, spec.arch, { signal: progress.signal });
  const [firmware, disks] = await Promise.all([
    spec.kame.directBoot ? [] : firmwareFor(host, capabilities),
    checkedDisks(file.names, spec),
    checkFiles(file.names, spec),
  ]);
  const accelerator = await chooseAccelerator(host, capabilities, spec.kame.accelerator, progress);
  const launchPlan = plan({
    spec: { ...spec, displayName: file.name },
    capabilities,
    firmware,
    host: hostFacts(),
    accelerator,
    paths: { bundle: file.names.directory, run: run.directory, serialLog: file.names.serialLog },
    disks,
  });
  return { spec, capabilities, plan: launchPlan };
}

/** What would be started, and why. @throws KameError as start */
export async function planStart(
  host: Host,
  reference: string,
  signal: AbortSignal,
): Promise<LaunchPlanReply> {
  const prepared = await prepare(host, await findMachine(host, reference), silentProgress(signal));
  const { binary, args, accelerator, reason, machineType, notes } = prepared.plan;
  return {
    binary,
    args: [...args],
    text: formatPlan(prepared.plan),
    accelerator,
    acceleratorReason: reason,
    machineType,
    notes: [...notes],
  };
}

async function refuseStart(host: Host, file: MachineFile): Promise<void> {
  const state = stateOf(host, file);
  if (state === 'running' || state === 'paused') {
    throw new KameError('WRONG_STATE', `${file.name} is ${state} already.`, {
      details: { machine: file.name, state },
    });
  }
  if (state === 'suspended') {
    throw new KameError(
      'WRONG_STATE',
      `${file.name} is suspended by another program; its state can’t be resumed here.`,
      {
        next: `kame set ${file.name} checkpoint.vmState= discards the suspended state; what was not saved in the guest is lost.`,
        details: { machine: file.name, state },
      },
    );
  }
  contentOf(file);
  const holder = await lockHolder(file.names.lock);
  if (holder && holder.pid !== process.pid) {
    throw new KameError('BUSY', `${file.name} is in use by ${holder.purpose} (process ${holder.pid}).`, {
      next: `If that engine is stuck, kame stop ${file.name} --hard ends it.`,
      details: { machine: file.name, pid: holder.pid },
    });
  }
}

/** An engine upgrade must not change a guest's hardware: the machine type of the first start stays. */
export async function pinMachineType(file: MachineFile, machineType: string): Promise<void> {
  const { document, spec } = contentOf(file);
  if (spec.kame.machineType !== undefined) return;
  await writeMachineFile(file.names.vmx, edit(document, new Map([['kame.machineType', machineType]])));
}

async function launchEngine(
  host: Host,
  file: MachineFile,
  prepared: Prepared,
  begun: { at: Date; clock: number },
  progress: Progress,
): Promise<RunningMachine> {
  const { plan: launchPlan, capabilities, spec } = prepared;
  const { names } = file;
  const run = runNames(host.names, names.vmx);
  await removeRunDirectory(run);
  await mkdir(run.directory, { recursive: true, mode: 0o700 });
  await rm(names.serialLog, { force: true });
  const version = versionText(capabilities);
  await appendLog(names, `starts on ${launchPlan.accelerator} (${launchPlan.reason}), QEMU ${version}:`);
  await appendLog(names, formatPlan(launchPlan).replaceAll('\n', ' '));
  const planned: RunRecord = {
    vmx: names.vmx,
    engine: null,
    engineVersion: version,
    accelerator: launchPlan.accelerator,
    acceleratorReason: launchPlan.reason,
    machineType: launchPlan.machineType,
    setup: launchPlan.setup,
    startedAt: begun.at.toISOString(),
    timings: { spawnMs: 0, qmpMs: 0, bootMs: null, agentMs: null },
  };
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
    return track(host, { names, run, name: file.name, id: spec.uuid, engine, record, state: 'running' });
  } catch (error) {
    await engine.kill();
    throw error;
  }
}

/** Starts the engine of a stopped machine; the caller holds the machine by `host.operations`. */
export async function powerOn(host: Host, file: MachineFile, progress: Progress): Promise<RunningMachine> {
  const begun = { at: new Date(), clock: performance.now() };
  await refuseStart(host, file);
  await takeLock(file.names.lock, 'kamed', file.name);
  try {
    progress.report({ stage: `Starting ${file.name}` });
    const whole = await ensureUuid(host, file);
    const prepared = await prepare(host, whole, progress);
    await pinMachineType(whole, prepared.plan.machineType);
    const machine = await launchEngine(host, whole, prepared, begun, progress);
    for (const note of prepared.plan.notes) await appendLog(file.names, note);
    host.events.emit({
      type: 'machine.state',
      machine: machine.name,
      id: machine.id,
      state: 'running',
      message: `${machine.name} is running on ${machine.record.accelerator}.`,
    });
    return machine;
  } catch (error) {
    await removeRunDirectory(runNames(host.names, file.names.vmx));
    await releaseLock(file.names.lock);
    throw error;
  }
}

/** Waits until the guest of a machine that was powered on is as far as asked for. */
export async function started(
  host: Host,
  machine: RunningMachine,
  options: StartMachine,
  progress: Progress,
): Promise<StartedMachine> {
  const waitedFor: WaitFor = options.wait ?? 'agent';
  await waitFor(host, machine, waitedFor, options.timeoutMs ?? defaultTimeoutMs, progress);
  return {
    ...(await summary(host, await findMachine(host, machine.names.vmx))),
    timings: machine.record.timings,
    acceleratorReason: machine.record.acceleratorReason,
    waitedFor,
  };
}

/**
 * Starts a stopped machine and waits until its guest is as far as asked for. When the guest is not in time, the machine
 * goes on running. While it waits, the machine can be stopped.
 * @throws KameError WRONG_STATE, BUSY, BROKEN_MACHINE, BAD_IMAGE, ENGINE_*, GUEST_TIMEOUT, CANCELLED
 */
export async function start(
  host: Host,
  reference: string,
  options: StartMachine,
  progress: Progress,
): Promise<StartedMachine> {
  const file = await findMachine(host, reference);
  const about = { key: file.names.vmx, machine: file.name, verb: 'started' };
  const machine = await host.operations.exclusive(about, async () => await powerOn(host, file, progress));
  return await started(host, machine, options, progress);
}
