import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildTiny } from '../../src/image/cache.ts';
import type { Host } from '../../src/vm/host/host.ts';
import { makeEmptyDisk } from './empty-disk.ts';
import { CopyThreads } from '../../src/sys/copy-threads.ts';
import { builtIn } from './home.ts';
import { testHost } from './test-host.ts';

// A machine that never runs, on disks that are real: for use cases that work on its files.

/** Bytes of its first disk. */
export const diskBytes = 64 * 1024 * 1024;

export interface DiskMachine {
  readonly host: Host;
  readonly directory: string;
  readonly vmx: string;
  /** A file of the machine. */
  readonly file: (name: string) => string;
}

/** The `.vmx`, with more lines at its end. */
export function vmxText(name: string, more: readonly string[] = []): string {
  return [
    'config.version = "8"',
    'virtualHW.version = "20"',
    'guestOS = "arm-debian12-64"',
    `displayName = "${name}"`,
    'memsize = "512"',
    'uuid.bios = "56 4d 11 22 33 44 55 66-77 88 99 aa bb cc dd ee"',
    'nvme0.present = "TRUE"',
    'kame.nvme0.device = "virtio-blk"',
    'nvme0:0.present = "TRUE"',
    'nvme0:0.fileName = "disk0.qcow2"',
    ...more,
    '',
  ].join('\n');
}

/** There once the programs are built. */
const copier = pathToFileURL(join(builtIn, 'memory-copier.mjs'));

/** @param buildTiny as the daemon's host has it; by default no image can be built */
export function hostOf(home: string, buildTiny?: BuildTiny): Host {
  const startCopyThreads = async () => await CopyThreads.start(copier, 1);
  return testHost({ home, startCopyThreads, ...(buildTiny ? { buildTiny } : {}) });
}

/** A machine `demo` with one empty disk at nvme0:0. */
export function diskMachine(home: string, more: readonly string[] = []): DiskMachine {
  const directory = join(home, 'machines', 'demo.vmwarevm');
  mkdirSync(directory, { recursive: true });
  const file = (name: string) => join(directory, name);
  makeEmptyDisk(file('disk0.qcow2'), diskBytes);
  writeFileSync(file('demo.vmx'), vmxText('demo', more));
  return { host: hostOf(home), directory, vmx: file('demo.vmx'), file };
}
