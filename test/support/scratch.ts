import { createHash } from 'node:crypto';
import { execa } from 'execa';
import { expect } from 'vitest';
import type { Guest } from './guest.ts';

// Blocks at the end of the boot partition of the tiny image's disk, where no file is: tests fill them, each with one byte.

const blockBytes = 65_536;
const blocks = 16;
const scratchMiB = 112;

/** What the scratch blocks of a disk hold: of each the byte that fills it. */
export type Content = readonly number[];
export const emptyContent: Content = Array.from({ length: blocks }, () => 0);

/** Fills scratch blocks of the disk from inside. */
export async function writeBlocks(guest: Guest, changes: ReadonlyMap<number, number>): Promise<void> {
  const lines = [...changes].map(([block, byte]) => {
    const seek = (scratchMiB * 1024 * 1024) / blockBytes + block;
    const octal = byte.toString(8).padStart(3, '0');
    return `head -c ${blockBytes} /dev/zero | tr '\\000' '\\${octal}' | dd of=/dev/vda bs=${blockBytes} seek=${seek} iflag=fullblock conv=notrunc,fsync 2>/dev/null`;
  });
  await guest.sh(lines.join(' && '));
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
