import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildTiny } from '../../src/image/cache.ts';
import { writeDisk } from './disk-content.ts';
import { makeEmptyDisk } from './empty-disk.ts';

const mebibyte = 1024 * 1024;

/** Bytes of a qcow2 of 64 MiB; made once, since every machine gets one. */
const disks = new Map<number, Buffer>();

/** @param byte fills the disk at 1 MiB; 0 for an empty one */
function diskBytes(byte: number): Buffer {
  const known = disks.get(byte);
  if (known) return known;
  const directory = mkdtempSync(join(tmpdir(), 'kw-disk-'));
  const path = join(directory, 'disk0.qcow2');
  makeEmptyDisk(path, 64 * mebibyte);
  if (byte !== 0) writeDisk(path, byte);
  const bytes = readFileSync(path);
  disks.set(byte, bytes);
  rmSync(directory, { recursive: true });
  return bytes;
}

/** The files of an embedded image; no guest would boot from them. */
export function makeTiny(directory: string): Awaited<ReturnType<BuildTiny>> {
  const file = (name: string) => join(directory, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(file('tiny.qcow2'), diskBytes(0));
  writeFileSync(file('kernel'), 'kernel');
  writeFileSync(file('initrd'), 'initrd');
  return { disk: file('tiny.qcow2'), kernel: file('kernel'), initrd: file('initrd'), commandLine: 'quiet' };
}

/** A machine in a world: where its files are. */
export class WorldMachine {
  readonly name: string;
  readonly directory: string;
  readonly vmx: string;

  constructor(home: string, name: string) {
    this.name = name;
    this.directory = join(home, 'machines', `${name}.vmwarevm`);
    this.vmx = this.file(`${name}.vmx`);
  }

  file(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** The file that the `.vmx` names for its first disk. */
  top(): string {
    return this.file(/nvme0:0\.fileName = "(.*)"/.exec(this.read(`${this.name}.vmx`))?.[1] ?? '');
  }

  /** Everything in its directory, sorted. */
  files(): string[] {
    return readdirSync(this.directory, { recursive: true }).map(String).sort();
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }
}

/** A small machine that boots a kernel of its own: no firmware is needed. */
function vmxText(name: string, number: number, more: readonly string[]): string {
  const last = number.toString(16).padStart(2, '0');
  const given = new Set(more.map((line) => line.split(' = ')[0]));
  const usual = [
    'config.version = "8"',
    'virtualHW.version = "20"',
    'guestOS = "arm-other6xlinux-64"',
    `displayName = "${name}"`,
    'memsize = "64"',
    'numvcpus = "1"',
    `uuid.bios = "56 4d 11 22 33 44 55 66-77 88 99 aa bb cc dd ${last}"`,
    'nvme0.present = "TRUE"',
    'kame.nvme0.device = "virtio-blk"',
    'nvme0:0.present = "TRUE"',
    'nvme0:0.fileName = "disk0.qcow2"',
    'ethernet0.present = "TRUE"',
    'ethernet0.virtualDev = "vmxnet3"',
    'kame.ethernet0.device = "virtio-net"',
    'ethernet0.connectionType = "nat"',
    'kame.boot.kernel = "kernel"',
    'kame.boot.initrd = "initrd"',
    `kame.boot.commandLine = "quiet kame.hostname=${name}"`,
  ];
  return [...usual.filter((line) => !given.has(line.split(' = ')[0])), ...more, ''].join('\n');
}

/** Makes a machine with a disk of 64 MiB, on which is a 7 at 1 MiB. @param number makes its UUID unique in the home */
export function layOutMachine(
  home: string,
  name: string,
  number: number,
  more: readonly string[],
): WorldMachine {
  const machine = new WorldMachine(home, name);
  mkdirSync(machine.directory, { recursive: true });
  writeFileSync(machine.file('disk0.qcow2'), diskBytes(7));
  writeFileSync(machine.file('kernel'), 'kernel');
  writeFileSync(machine.file('initrd'), 'initrd');
  writeFileSync(machine.vmx, vmxText(name, number, more));
  return machine;
}
