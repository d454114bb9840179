import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { KameError } from '../core/errors.ts';

/** Every name on disk, in one place. docs/internals.md explains them to people. */

/** Directory of a machine: a package that Finder shows as one file. */
export const bundleExtension = '.vmwarevm';
/** Of a half-made bundle: `.NAME.XXXX.creating`; it has no owner after a daemon's start. */
export const creatingExtension = '.creating';
/** Of a bundle that is being deleted: `.NAME.XXXX.deleting`. */
export const deletingExtension = '.deleting';

/** Of a companion's record in a run directory: `NAME.companion.json`. */
export const companionExtension = '.companion.json';

export interface HomeNames {
  readonly home: string;
  /** Bundles that Kame made. */
  readonly machines: string;
  /** Base images by content. */
  readonly images: string;
  /** Sockets and run records, one short directory for each machine that runs. */
  readonly run: string;
  /** What can be made again at any time: engine capabilities, accelerator verdicts, Debian packages. */
  readonly cache: string;
  /** Machines that lie elsewhere, those that were taken off the list, and deletions under way. */
  readonly inventory: string;
  /** The user's own images. */
  readonly catalogue: string;
  readonly daemonLog: string;
  /** Guest RAM, a file for each machine that runs: on a memory file system where the host has one. */
  readonly ram: string;
}

/** On macOS a file of the run directory; its file system shares blocks, so a checkpoint copies none. */
function ramDirectory(home: string): string {
  if (process.platform !== 'linux') return join(home, 'run');
  const key = createHash('sha256').update(home).digest('hex').slice(0, 8);
  return `/dev/shm/kame-${process.getuid?.() ?? 0}-${key}`;
}

export function homeNames(home: string): HomeNames {
  return {
    home,
    machines: join(home, 'machines'),
    images: join(home, 'images'),
    run: join(home, 'run'),
    cache: join(home, 'cache'),
    inventory: join(home, 'inventory.json'),
    catalogue: join(home, 'catalogue.json'),
    daemonLog: join(home, 'kamed.log'),
    ram: ramDirectory(home),
  };
}

export interface MachineNames {
  readonly vmx: string;
  /** The bundle, or the directory the `.vmx` lies in. */
  readonly directory: string;
  /** `.vmx` basename without extension: other files of the machine are named after it. */
  readonly stem: string;
  /** What Kame and the engine say about the machine. */
  readonly log: string;
  /** What the guest wrote to its first serial port since it was started. */
  readonly serialLog: string;
  readonly lock: string;
  /** The tree of snapshots, `.vmsd`; VMware finds it by the basename of the `.vmx`. */
  readonly snapshots: string;
  /** One directory for each checkpoint. */
  readonly checkpoints: string;
  /** What is being done to the machine's files, so that it can be finished or undone after a kill. */
  readonly journal: string;
}

export function isBundle(directory: string): boolean {
  return directory.endsWith(bundleExtension);
}

export function machineNames(vmx: string): MachineNames {
  const directory = dirname(vmx);
  const stem = basename(vmx, extname(vmx));
  return {
    vmx,
    directory,
    stem,
    log: join(directory, `${stem}.log`),
    serialLog: join(directory, `${stem}-serial.log`),
    // Beside other machines' files in one directory, the lock needs a name of its own.
    lock: join(directory, isBundle(directory) ? 'lock' : `${stem}.lock`),
    snapshots: join(directory, `${stem}.vmsd`),
    checkpoints: join(directory, isBundle(directory) ? 'checkpoints' : `${stem}.checkpoints`),
    journal: join(directory, isBundle(directory) ? 'operation.json' : `${stem}.operation.json`),
  };
}

export interface CheckpointNames {
  readonly id: string;
  readonly directory: string;
  /** The device state, as the engine wrote it. */
  readonly state: string;
  /** RAM, sparse: only the extents that the record names hold anything. */
  readonly ram: string;
  /** What took the checkpoint, and what must be the same to restore it. */
  readonly record: string;
  /** The `.vmx` at that time. */
  readonly config: string;
  /** The EFI variables at that time. */
  readonly nvram: string;
}

/** Of a snapshot's checkpoint the decimal uid, of a suspended machine's `s-XXXXXXXX`. */
const checkpointId = /^(?:\d{1,10}|s-[0-9a-f]{8})$/;

/** @throws KameError INTERNAL for what is no id of a checkpoint */
export function checkpointNames(machine: MachineNames, id: string): CheckpointNames {
  if (!checkpointId.test(id)) throw new KameError('INTERNAL', `${JSON.stringify(id)} is no checkpoint’s id.`);
  const directory = join(machine.checkpoints, id);
  return {
    id,
    directory,
    state: join(directory, 'state'),
    ram: join(directory, 'ram'),
    record: join(directory, 'engine.json'),
    config: join(directory, 'machine.vmx'),
    nvram: join(directory, 'nvram'),
  };
}

/** What `checkpoint.vmState` says of a machine that is suspended in a checkpoint of Kame's. */
export function vmStateOf(machine: MachineNames, id: string): string {
  return `${basename(machine.checkpoints)}/${id}`;
}

/** The checkpoint that `checkpoint.vmState` names, or undefined when it is another program's state. */
export function suspendedIn(machine: MachineNames, vmState: string): CheckpointNames | undefined {
  const [directory, id, ...more] = vmState.split('/');
  if (directory !== basename(machine.checkpoints) || more.length > 0 || id === undefined) return undefined;
  return checkpointId.test(id) ? checkpointNames(machine, id) : undefined;
}

export interface RunNames {
  /** The engine puts its sockets and its pid file here: qmp, qmp2, qga, serial, vnc (see qemu/plan/sockets.ts). */
  readonly directory: string;
  /** What the daemon must know of a running machine after its own death. */
  readonly record: string;
}

/** A short directory: macOS allows 104 bytes for a socket's path. */
export function runNames(home: HomeNames, vmx: string): RunNames {
  const key = createHash('sha256').update(vmx).digest('hex').slice(0, 8);
  return namesIn(join(home.run, key));
}

function namesIn(directory: string): RunNames {
  return { directory, record: join(directory, 'machine.json') };
}

/** Every run directory that there is, whoever's. */
export async function runDirectories(home: HomeNames): Promise<RunNames[]> {
  const names = await readdir(home.run).catch(() => []);
  return names.filter((name) => /^[0-9a-f]{8}$/.test(name)).map((name) => namesIn(join(home.run, name)));
}

/** Where a file that a `.vmx` names lies: relative names are relative to the `.vmx`. */
export function resolveIn(names: MachineNames, fileName: string): string {
  return isAbsolute(fileName) ? fileName : join(names.directory, fileName);
}
