import { readdir, readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import type { RevertedMachine, Snapshot, TakenSnapshot } from '../../src/api/checkpoint.ts';
import type { Machine, MachineDetails, MachineState } from '../../src/api/machine.ts';
import type { TestHome } from './home.ts';

// What the tests of snapshots, suspend and clones with real guests share.

/** Bytes of a block that a test writes to a guest's disk. */
const blockBytes = 65_536;
const blocks = 16;
/** Of the tiny image's disk, MiB: the end of its boot partition, where no file lies. */
const scratchMiB = 112;

/** A small random generator (mulberry32), so that a failure can be repeated by its seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What lies in the scratch blocks of a disk: a byte for each, which fills it. */
export type Content = readonly number[];
export const emptyContent: Content = Array.from({ length: blocks }, () => 0);

/** One machine of a home, as a test handles it. */
export class Guest {
  readonly home: TestHome;
  readonly name: string;

  constructor(home: TestHome, name: string) {
    this.home = home;
    this.name = name;
  }

  get directory(): string {
    return join(this.home.path, 'machines', `${this.name}.vmwarevm`);
  }

  /** A file of the machine. */
  file(...names: string[]): string {
    return join(this.directory, ...names);
  }

  async sh(line: string): Promise<string> {
    return await this.home.sh(this.name, line);
  }

  async state(): Promise<MachineState | undefined> {
    const machines = await this.home.json<Machine[]>('list');
    return machines.find(({ name }) => name === this.name)?.state;
  }

  async details(): Promise<MachineDetails> {
    return await this.home.json<MachineDetails>('show', this.name);
  }

  async start(...more: string[]): Promise<Machine> {
    return await this.home.json<Machine>('start', this.name, ...more);
  }

  async stop(): Promise<void> {
    await this.home.json('stop', this.name, '--hard');
  }

  async take(label: string, ...more: string[]): Promise<TakenSnapshot> {
    return await this.home.json<TakenSnapshot>('snapshot', 'take', this.name, label, ...more);
  }

  async revert(label: string, ...more: string[]): Promise<RevertedMachine> {
    return await this.home.json<RevertedMachine>('snapshot', 'revert', this.name, label, ...more);
  }

  async snapshots(): Promise<Snapshot[]> {
    return await this.home.json<Snapshot[]>('snapshot', 'list', this.name);
  }

  /** Each snapshot's path, the current one marked. */
  async tree(): Promise<string[]> {
    return (await this.snapshots()).map(({ path, current }) => (current ? `${path} *` : path));
  }

  /** The `.vmsd`: its values by key. */
  async vmsd(): Promise<Record<string, string>> {
    const text = await readFile(this.file(`${this.name}.vmsd`), 'utf8');
    return Object.fromEntries(
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [, key = '', value = ''] = /^(\S+) = "(.*)"$/.exec(line) ?? [];
          return [key, value];
        }),
    );
  }

  /** The layer that the machine writes to now. */
  async top(): Promise<string> {
    return (await this.details()).disks[0]?.path ?? '';
  }

  /** Fills scratch blocks of the disk from inside. */
  async write(changes: ReadonlyMap<number, number>): Promise<void> {
    const lines = [...changes].map(([block, byte]) => {
      const seek = (scratchMiB * 1024 * 1024) / blockBytes + block;
      const octal = byte.toString(8).padStart(3, '0');
      return `head -c ${blockBytes} /dev/zero | tr '\\000' '\\${octal}' | dd of=/dev/vda bs=${blockBytes} seek=${seek} iflag=fullblock conv=notrunc,fsync 2>/dev/null`;
    });
    await this.sh(lines.join(' && '));
  }

  async layers(): Promise<string[]> {
    return (await readdir(this.directory)).filter((name) => name.endsWith('.qcow2')).sort();
  }
}

/** Whether a layer shows that content, read on the host. */
export async function expectShown(path: string, content: Content, about = path): Promise<void> {
  const commands = content.flatMap((byte, block) => {
    return ['-c', `read -P ${byte} ${scratchMiB * 1024 * 1024 + block * blockBytes} ${blockBytes}`];
  });
  const { stdout, stderr } = await execa('qemu-io', ['-r', '-U', '-f', 'qcow2', ...commands, path], {
    reject: false,
  });
  const wrong = stdout.split('\n').filter((line) => /Pattern verification failed/.test(line));
  const reads = stdout.split('\n').filter((line) => line.startsWith('read ')).length;
  expect({ about, wrong, reads, stderr }).toEqual({ about, wrong: [], reads: content.length, stderr: '' });
}

/** The guest sees that content, past its cache. */
export async function expectSeen(guest: Guest, content: Content): Promise<void> {
  const skip = (scratchMiB * 1024 * 1024) / blockBytes;
  const line = `echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vda bs=${blockBytes} skip=${skip} count=${blocks} iflag=direct 2>/dev/null | md5sum`;
  const hash = createHash('md5');
  for (const byte of content) hash.update(Buffer.alloc(blockBytes, byte));
  expect(await guest.sh(line)).toBe(`${hash.digest('hex')}  -\n`);
}

/** Every layer that is a file of the machine and that its engine does not write to is whole. */
export async function expectWholeLayers(guest: Guest): Promise<void> {
  const running = (await guest.state()) === 'running' ? await guest.top() : '';
  for (const name of await guest.layers()) {
    if (guest.file(name) === running) continue;
    const args = ['check', '-U', '-f', 'qcow2', '--output=json', guest.file(name)];
    const { exitCode, stdout } = await execa('qemu-img', args, { reject: false });
    expect({ name, exitCode, stdout }).toMatchObject({ exitCode: 0 });
  }
}

/** Guest's time less the host's in seconds; a reading of the guest's that takes long can't make it small. */
export async function clockOffset(guest: Guest): Promise<number> {
  const before = Date.now();
  // Its `date` tells whole seconds; the time of a file is exact.
  const time = await guest.sh('touch /run/now && TZ=UTC stat -c %y /run/now');
  const after = Date.now();
  const [, day, clock] = /^(\S+) (\d+:\d+:\d+\.\d{3})/.exec(time) ?? [];
  const seen = Date.parse(`${day}T${clock}Z`);
  if (seen < before) return (seen - before) / 1000;
  return seen > after ? (seen - after) / 1000 : 0;
}
