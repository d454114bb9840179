import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { KameError } from '../core/errors.ts';
import { fileIdSync } from '../sys/file-id.ts';
import { compatPath } from '../sys/home.ts';

/** All names on disk are defined here. docs/internals.md describes them. */

/** Extension of the directory of a machine, which Finder shows as a single file. */
export const bundleExtension = '.vmwarevm';
/** Extension of an incomplete bundle, `.NAME.XXXX.creating`. When the daemon starts, it removes them. */
export const creatingExtension = '.creating';
/** Extension of a hidden directory whose files get their places beside it one by one, `.kame.XXXX.placing`. */
export const placingExtension = '.placing';

/** The name that such a directory gets once all files have their places: they stay from then on, whatever happens. */
export function placedName(directory: string): string {
  return `${directory.slice(0, -placingExtension.length)}.placed`;
}

/** The name that it gets where there are no hard links, when all files are complete and are about to be moved to their places. */
export function movingName(directory: string): string {
  return `${directory.slice(0, -placingExtension.length)}.moving`;
}
/** Extension of a bundle that is being deleted, `.NAME.XXXX.deleting`. */
export const deletingExtension = '.deleting';

/** Whether a name is that of an incomplete or partly deleted bundle, or of an incomplete export, as bundle-directory.ts makes them. */
export function isAsideName(name: string): boolean {
  return /^\..+\.[0-9a-f]{8}\.(?:creating|placing|placed|moving|deleting)$/.test(name);
}

/** Of a companion's record in a run directory: `NAME.companion.json`. */
export const companionExtension = '.companion.json';

export interface HomeNames {
  readonly home: string;
  /** Bundles that Kame made. */
  readonly machines: string;
  /** Base images, named by content. */
  readonly images: string;
  /** Machines and appliances that clients send, until they are imported; see uploads.ts. */
  readonly uploads: string;
  /** Sockets and run records, in one short directory for each running machine. */
  readonly run: string;
  /** Files that can be made again at any time: engine capabilities, verdicts on accelerators, Debian packages. */
  readonly cache: string;
  /** Machines outside the home, machines removed from the list, deletions and renamings in progress. */
  readonly inventory: string;
  /** Networks: their subnets, port forwards, and the addresses of adapters. */
  readonly networks: string;
  /** DHCP leases, a file for each network. */
  readonly leases: string;
  /** Files about the networks for programs that drive VMware; only once somebody has asked for them. */
  readonly compat: string;
  /** Host keys that `kame ssh` has seen, a file for each machine. */
  readonly knownHosts: string;
  /** One record for each unfinished change to a machine's files; see operation-record.ts. */
  readonly operations: string;
  /** The port and the sessions of the web desktop while it is open; see daemon/web/door-record.ts. */
  readonly webDoor: string;
  /** From where other computers may use the web desktop; see daemon/web/remote-settings.ts. */
  readonly webRemote: string;
  /** Their sessions while it is open, as in `webDoor`. */
  readonly webRemoteSessions: string;
  /** The certificate that Kame made for the web desktop, and its private key. */
  readonly webCertificate: string;
  /** The users of the web desktop and hashes of their passwords. */
  readonly webUsers: string;
  /** Who did what, one JSON object a line; older ones in `audit.1.jsonl` and so on. */
  readonly audit: string;
  /** The user's own images. */
  readonly catalogue: string;
  readonly daemonLog: string;
  /** Guest RAM, one file for each running machine, on a memory file system if the host has one. */
  readonly ram: string;
}

/** Device and inode of a home: when it is renamed, its RAM files are still found. Its path, before it exists. */
function homeId(home: string): string {
  return fileIdSync(home, { follow: true }) ?? home;
}

/**
 * On macOS, RAM files are in the run directory; the file system can share blocks, so checkpoints need not copy them.
 */
function ramDirectory(home: string): string {
  if (process.platform !== 'linux') return join(home, 'run');
  const key = createHash('sha256').update(homeId(home)).digest('hex').slice(0, 8);
  return `/dev/shm/kame-${process.getuid?.() ?? 0}-${key}`;
}

export function homeNames(home: string): HomeNames {
  return {
    home,
    machines: join(home, 'machines'),
    images: join(home, 'images'),
    uploads: join(home, 'uploads'),
    run: join(home, 'run'),
    cache: join(home, 'cache'),
    inventory: join(home, 'inventory.json'),
    networks: join(home, 'networks.json'),
    leases: join(home, 'leases'),
    compat: compatPath(home),
    knownHosts: join(home, 'known-hosts'),
    operations: join(home, 'operations'),
    webDoor: join(home, 'web.json'),
    webRemote: join(home, 'web-remote.json'),
    webRemoteSessions: join(home, 'web-remote-sessions.json'),
    webCertificate: join(home, 'web-certificate.pem'),
    webUsers: join(home, 'web-users.json'),
    audit: join(home, 'audit.jsonl'),
    catalogue: join(home, 'catalogue.json'),
    daemonLog: join(home, 'kamed.log'),
    ram: ramDirectory(home),
  };
}

export interface MachineNames {
  readonly vmx: string;
  /** The bundle, or the directory that contains the `.vmx`. */
  readonly directory: string;
  /** Base name of the `.vmx` without extension; other files of the machine are named after it. */
  readonly stem: string;
  /** Log of Kame and the engine about the machine. */
  readonly log: string;
  /** Output of the guest to its first serial port since it was started. */
  readonly serialLog: string;
  /** What was on the display when the last start of the guest did not get to where it should. */
  readonly stallImage: string;
  readonly lock: string;
  /** The snapshot tree, `.vmsd`; VMware finds it by the base name of the `.vmx`. */
  readonly snapshots: string;
  /** Contains one directory for each checkpoint. */
  readonly checkpoints: string;
  /** The change in progress to the files of the machine, to be finished or undone after a kill. */
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
    stallImage: join(directory, `${stem}-stalled.png`),
    // Outside a bundle, other machines may be in the same directory, so the lock needs a specific name.
    lock: join(directory, isBundle(directory) ? 'lock' : `${stem}.lock`),
    snapshots: join(directory, `${stem}.vmsd`),
    checkpoints: join(directory, isBundle(directory) ? 'checkpoints' : `${stem}.checkpoints`),
    journal: join(directory, isBundle(directory) ? 'operation.json' : `${stem}.operation.json`),
  };
}

/** Whether a file has the name of the machine’s EFI variables: `NAME.nvram`, or `NAME-efi.nvram` beside VMware’s. */
export function isVariablesFile({ directory, stem }: MachineNames, path: string): boolean {
  if (dirname(path) !== directory || !basename(path).startsWith(stem)) return false;
  return /^(?:-efi\d{0,2})?\.nvram$/.test(basename(path).slice(stem.length));
}

export interface CheckpointNames {
  readonly id: string;
  readonly directory: string;
  /** The device state as written by the engine. */
  readonly state: string;
  /** RAM as a sparse file: only the extents in the record contain data. */
  readonly ram: string;
  /** Which engine took the checkpoint, and what must match to restore it. */
  readonly record: string;
  /** The `.vmx` at that time. */
  readonly config: string;
  /** The EFI variables at that time. */
  readonly nvram: string;
  /** What was on the display, as PNG; missing if the machine did not run, or has no display. */
  readonly screen: string;
}

/** The uid of the snapshot in decimal, or `s-XXXXXXXX` for a suspended machine. */
const checkpointId = /^(?:\d{1,10}|s-[0-9a-f]{8})$/;

export function isCheckpointId(name: string): boolean {
  return checkpointId.test(name);
}

/** @throws KameError INTERNAL for an invalid id */
export function checkpointNames(machine: MachineNames, id: string): CheckpointNames {
  if (!checkpointId.test(id))
    throw new KameError('INTERNAL', `${JSON.stringify(id)} is not a valid checkpoint id.`);
  const directory = join(machine.checkpoints, id);
  return {
    id,
    directory,
    state: join(directory, 'state'),
    ram: join(directory, 'ram'),
    record: join(directory, 'engine.json'),
    config: join(directory, 'machine.vmx'),
    nvram: join(directory, 'nvram'),
    screen: join(directory, 'screen.png'),
  };
}

/** The value of `checkpoint.vmState` for a machine that Kame has suspended in a checkpoint. */
export function vmStateOf(machine: MachineNames, id: string): string {
  return `${basename(machine.checkpoints)}/${id}`;
}

/** The checkpoint that `checkpoint.vmState` names, or undefined if another program saved the state. */
export function suspendedIn(machine: MachineNames, vmState: string): CheckpointNames | undefined {
  const [directory, id, ...more] = vmState.split('/');
  if (directory !== basename(machine.checkpoints) || more.length > 0 || id === undefined) return undefined;
  return checkpointId.test(id) ? checkpointNames(machine, id) : undefined;
}

export interface RunNames {
  /** Contains the sockets and pid file of the engine: qmp, qmp2, qga, serial, vnc (see src/qemu/plan/sockets.ts). */
  readonly directory: string;
  /** What the next daemon must know about a running machine. */
  readonly record: string;
}

/** The run directory of a machine. Its name is short, because macOS allows 104 bytes for the path of a socket. */
export function runNames(home: HomeNames, vmx: string): RunNames {
  const key = createHash('sha256').update(vmx).digest('hex').slice(0, 8);
  return namesIn(join(home.run, key));
}

function namesIn(directory: string): RunNames {
  return { directory, record: join(directory, 'machine.json') };
}

/** Host keys of the guest of a machine: a new machine of an old name is another guest. */
export function knownHostsFile(home: HomeNames, uuid: string): string {
  return join(home.knownHosts, uuid);
}

/** All run directories, even those of machines that no longer exist. */
export async function runDirectories(home: HomeNames): Promise<RunNames[]> {
  const names = await readdir(home.run).catch(() => []);
  return names.filter((name) => /^[0-9a-f]{8}$/.test(name)).map((name) => namesIn(join(home.run, name)));
}

export interface NetworkRunNames {
  /** Contains the sockets and records of a network's processes. */
  readonly directory: string;
  /** The control socket of its switch. */
  readonly control: string;
  /** What its switch knows of leases, for the next one. It stays when the directory goes. */
  readonly leases: string;
  readonly switchLog: string;
  readonly natLog: string;
}

/** The run directory of a network, or of a LAN segment. Its name is short, as that of a machine's. */
export function networkRunNames(
  home: HomeNames,
  network: { name: string } | { segment: string },
): NetworkRunNames {
  const text = 'name' in network ? `network ${network.name}` : `segment ${network.segment}`;
  return networkNamesOf(home, `net-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`);
}

function networkNamesOf({ run, leases }: HomeNames, key: string): NetworkRunNames {
  return networkNamesIn(join(run, key), join(leases, `${key}.json`));
}

/** The files of a network: those in its run directory, and its leases. */
export function networkNamesIn(directory: string, leases: string): NetworkRunNames {
  return {
    directory,
    control: join(directory, 'switch'),
    leases,
    switchLog: join(directory, 'switch.log'),
    natLog: join(directory, 'nat.log'),
  };
}

/** All run directories of networks, even of those that no longer exist. */
export async function networkRunDirectories(home: HomeNames): Promise<NetworkRunNames[]> {
  const names = await readdir(home.run).catch(() => []);
  return names.filter((name) => /^net-[0-9a-f]{8}$/.test(name)).map((name) => networkNamesOf(home, name));
}

/** The path of a file named in a `.vmx`: relative names are relative to the `.vmx`. */
export function resolveIn(names: MachineNames, fileName: string): string {
  return isAbsolute(fileName) ? fileName : join(names.directory, fileName);
}
