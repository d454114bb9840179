import type { Machine, MachineDetails, Port } from '../../api/machine.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { networkText } from '../../model/network.ts';
import { whyNotAttached } from '../../model/floppies.ts';
import type { MachineModel, ParallelPort, SerialPort } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { socketsIn } from '../../qemu/plan/sockets.ts';
import type { Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { hostOs } from '../engine/engine.ts';
import { findBundle, readableBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { agreements } from '../host/outside-files.ts';
import type { Running } from '../host/running.ts';
import { presentState, stateOf } from '../host/state.ts';
import { describeDisks } from './describe-disks.ts';
import { problemsOf } from './machine-problems.ts';

type StateAndReason = Pick<Machine, 'state' | 'reason'>;

/** The state of a machine and why it is broken. Never throws: whatever is wrong with one must not hide the others. */
async function stateAndReason(host: Host, bundle: Bundle): Promise<StateAndReason> {
  try {
    const state = await presentState(host, bundle);
    return { state, reason: state === 'broken' ? bundle.broken : null };
  } catch (error) {
    // Nobody can say who has it: another user may own the lock.
    const state = stateOf(host, bundle);
    return { state: 'broken', reason: state === 'broken' ? bundle.broken : messageOf(error) };
  }
}

/** What is known of a machine. A `.vmx` that is none, or is encrypted, has only defaults, which say nothing of it. */
function knownModel({ content, broken }: Bundle): MachineModel | undefined {
  return broken === null ? content?.model : undefined;
}

/** A machine as `kame list` shows it. Never throws. */
export async function summary(host: Host, bundle: Bundle): Promise<Machine> {
  const running = host.running.get(bundle.names.vmx);
  const model = knownModel(bundle);
  return {
    name: bundle.name,
    id: model?.uuid ?? '',
    path: bundle.names.vmx,
    ...(await stateAndReason(host, bundle)),
    folder: model?.kame.folder ?? '',
    guestOS: model?.guestOS ?? '',
    arch: model?.arch ?? null,
    accelerator: running?.record.accelerator ?? null,
    cpus: model?.cpus ?? 0,
    memoryBytes: (model?.memoryMiB ?? 0) * 1024 * 1024,
    ip: running?.ip ?? null,
    agent: running?.agentAnswers ?? false,
  };
}

/** A part of the list that cannot be read, as a row of it. Its path is not that of a `.vmx`, and no verb finds it. */
function unreadRow({ message, details }: KameError): Machine {
  const path = String(details['path']);
  return {
    name: path,
    id: '',
    path,
    state: 'broken',
    reason: message,
    folder: '',
    guestOS: '',
    arch: null,
    accelerator: null,
    cpus: 0,
    memoryBytes: 0,
    ip: null,
    agent: false,
  };
}

/** All machines, sorted by name; then what keeps others from being listed. */
export async function list(host: Host): Promise<Machine[]> {
  const { bundles, unread } = await readableBundles(host);
  const machines = await Promise.all(bundles.map(async (bundle) => await summary(host, bundle)));
  return [...machines, ...unread.map(unreadRow)];
}

function firmwareOf(model: MachineModel): string {
  return model.kame.directBoot ? 'direct' : model.firmware.kind;
}

function portsOf({ serials, parallels }: MachineModel): MachineDetails['ports'] {
  const portOf = (device: string, { kind, fileName }: SerialPort | ParallelPort): Port => {
    return { device, kind, path: fileName };
  };
  return [
    ...serials.map((serial) => portOf(`serial${serial.index}`, serial)),
    ...parallels.map((parallel) => portOf(`parallel${parallel.index}`, parallel)),
  ];
}

/** The details of a machine. @throws KameError NO_SUCH_MACHINE */
export async function show(host: Host, reference: string): Promise<MachineDetails> {
  const bundle = await findBundle(host, reference);
  const running = host.running.get(bundle.names.vmx);
  if (running) await readClock(running);
  return await describe(host, bundle);
}

/** Milliseconds for the guest to tell its time; after that, what it told before is shown. */
const clockMs = 500;

async function readClock({ clock, agentAnswers, state }: Running): Promise<void> {
  if (!agentAnswers || state === 'paused') return;
  await clock.read({ deadlineMs: clockMs }).catch((error: unknown) => {
    if (!(error instanceof KameError)) throw error;
  });
}

export async function describe(host: Host, bundle: Bundle): Promise<MachineDetails> {
  const { names } = bundle;
  const model = knownModel(bundle);
  const disks = model ? await describeDisks(host, bundle, model) : [];
  const machine = await summary(host, bundle);
  return {
    ...machine,
    annotation: model?.annotation ?? '',
    firmware: model ? firmwareOf(model) : '',
    machineType: model?.kame.machineType ?? null,
    disks: disks.map(({ info }) => info),
    cdroms: (model?.cdroms ?? []).map((cdrom) => ({
      slot: slotName(cdrom),
      path: cdrom.fileName === null ? null : resolveIn(names, cdrom.fileName),
    })),
    floppies: (model?.floppies ?? []).map((floppy) => ({
      device: `floppy${floppy.index}`,
      path: floppy.fileName === null ? null : resolveIn(names, floppy.fileName),
      attached: whyNotAttached(floppy, model?.arch ?? 'x86_64') === undefined,
    })),
    ports: model ? portsOf(model) : [],
    nics: (model?.nics ?? []).map((nic) => ({
      device: `ethernet${nic.index}`,
      model: nic.model,
      connection: nic.connectionText ?? nic.connection,
      network: networkText(nic),
      mac: nic.mac,
    })),
    image: model?.kame.image ?? null,
    ...clockOf(host, bundle, model),
    outsideFiles: await agreements(host, bundle),
    log: names.log,
    problems: await problemsOf(host, bundle, machine.reason, disks),
    ...runtimeOf(host, bundle),
  };
}

function clockOf(
  host: Host,
  { names }: Bundle,
  model: MachineModel | undefined,
): Pick<MachineDetails, 'clock' | 'syncTime'> {
  const reading = host.running.get(names.vmx)?.clock.reading;
  const clock = reading ? { offsetMs: reading.offsetMs, at: reading.at.toISOString() } : null;
  return { syncTime: model?.syncTime ?? true, clock };
}

type Runtime = Pick<
  MachineDetails,
  'acceleratorReason' | 'graphicsNote' | 'engineVersion' | 'pid' | 'startedAt' | 'timings' | 'sockets'
>;

function runtimeOf(host: Host, bundle: Bundle): Runtime {
  const running = host.running.get(bundle.names.vmx);
  if (!running) {
    return {
      acceleratorReason: null,
      graphicsNote: null,
      engineVersion: null,
      pid: null,
      startedAt: null,
      timings: null,
      sockets: null,
    };
  }
  const { record, run } = running;
  const sockets = socketsIn(run.directory, hostOs());
  return {
    acceleratorReason: record.acceleratorReason,
    graphicsNote: record.graphics?.note ?? null,
    engineVersion: record.engineVersion,
    pid: running.engine.process.pid,
    startedAt: record.startedAt,
    timings: record.timings,
    sockets: { monitor: sockets.qmp2, serial: sockets.serial, vnc: sockets.vnc },
  };
}
