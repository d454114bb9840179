import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

/** Every name on disk, in one place. docs/internals.md explains them to people. */

/** Directory of a machine: a package that Finder shows as one file. */
export const bundleExtension = '.vmwarevm';
/** Of a half-made bundle: `.NAME.XXXX.creating`; it has no owner after a daemon's start. */
export const creatingExtension = '.creating';
/** Of a bundle that is being deleted: `.NAME.XXXX.deleting`. */
export const deletingExtension = '.deleting';

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
  };
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
