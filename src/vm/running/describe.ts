import type { Machine, MachineDetails, Port } from '../../api/machine.ts';
import { whyNotAttached } from '../../model/floppies.ts';
import type { MachineModel, ParallelPort, SerialPort } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { socketsIn } from '../../qemu/plan/sockets.ts';
import type { Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { lockHolder } from '../../sys/lock.ts';
import { hostOs } from '../engine/engine.ts';
import { findBundle, allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { stateOf } from '../host/state.ts';
import { describeDisks } from './describe-disks.ts';
import { hasVmwareVariables } from './efi-variables.ts';

/** A machine as `kame list` shows it. */
export async function summary(host: Host, bundle: Bundle): Promise<Machine> {
  const running = host.running.get(bundle.names.vmx);
  const model = bundle.content?.model;
  // The engine runs, but this daemon could not adopt it: it is stuck, or belongs to another home.
  const held = !running && (await lockHolder(bundle.names.lock))?.purpose === 'qemu';
  return {
    name: bundle.name,
    id: model?.uuid ?? '',
    path: bundle.names.vmx,
    state: held ? 'running' : stateOf(host, bundle),
    arch: model?.arch ?? null,
    accelerator: running?.record.accelerator ?? null,
    cpus: model?.cpus ?? 0,
    memoryBytes: (model?.memoryMiB ?? 0) * 1024 * 1024,
    ip: running?.ip ?? null,
    agent: running?.agentAnswers ?? false,
  };
}

/** All machines, sorted by name. */
export async function list(host: Host): Promise<Machine[]> {
  const bundles = await allBundles(host);
  return await Promise.all(bundles.map(async (bundle) => await summary(host, bundle)));
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
  return await describe(host, await findBundle(host, reference));
}

export async function describe(host: Host, bundle: Bundle): Promise<MachineDetails> {
  const { names } = bundle;
  const model = bundle.content?.model;
  const disks = model ? await describeDisks(host, bundle, model) : [];
  return {
    ...(await summary(host, bundle)),
    annotation: model?.annotation ?? '',
    guestOS: model?.guestOS ?? '',
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
    nics: (model?.nics ?? []).map(({ index, model, connection, connectionText, mac }) => ({
      device: `ethernet${index}`,
      model,
      connection: connectionText ?? connection,
      mac,
    })),
    image: model?.kame.image ?? null,
    log: names.log,
    problems: [
      ...problemsOf(bundle),
      ...disks.flatMap(({ problem }) => (problem && !host.running.get(names.vmx) ? [problem] : [])),
      ...(model ? await variablesNote(bundle, model) : []),
      ...troubleOf(host, bundle),
    ],
    ...runtimeOf(host, bundle),
  };
}

function problemsOf(bundle: Bundle): MachineDetails['problems'] {
  const known = bundle.problems.map(({ severity, key, message }) => ({ severity, key, message }));
  const isMissing = bundle.broken !== null && !known.some(({ message }) => message === bundle.broken);
  return isMissing ? [{ severity: 'error', key: '', message: bundle.broken ?? '' }, ...known] : known;
}

async function variablesNote({ names }: Bundle, model: MachineModel): Promise<MachineDetails['problems']> {
  if (!(await hasVmwareVariables(names, model))) return [];
  const message = `${resolveIn(names, model.firmware.nvram)} is VMware’s and stays as it is. The next start makes new EFI variables for the guest, without the boot entries and keys of the old ones.`;
  return [{ severity: 'warning', key: 'nvram', message }];
}

function troubleOf(host: Host, bundle: Bundle): MachineDetails['problems'] {
  const message = host.running.get(bundle.names.vmx)?.trouble;
  return typeof message === 'string' ? [{ severity: 'warning', key: '', message }] : [];
}

type Runtime = Pick<
  MachineDetails,
  'acceleratorReason' | 'engineVersion' | 'pid' | 'startedAt' | 'timings' | 'sockets'
>;

function runtimeOf(host: Host, bundle: Bundle): Runtime {
  const running = host.running.get(bundle.names.vmx);
  if (!running) {
    return {
      acceleratorReason: null,
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
    engineVersion: record.engineVersion,
    pid: running.engine.process.pid,
    startedAt: record.startedAt,
    timings: record.timings,
    sockets: { monitor: sockets.qmp2, serial: sockets.serial, vnc: sockets.vnc },
  };
}
