import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { KameError } from '../../src/core/errors.ts';
import { run } from '../../src/sys/process.ts';
import { which } from './tools.ts';

const directory = '/proc/sys/fs/binfmt_misc';
const ours = 'kame-debian-guest';

/** 64-bit little-endian programs for ARM64: the first bytes of an ELF file, and a mask of the relevant bits. */
const magic = `${String.raw`\x7f\x45\x4c\x46\x02\x01\x01`}${String.raw`\x00`.repeat(9)}${String.raw`\x02\x00\xb7\x00`}`;
const mask = `${String.raw`\xff`.repeat(7)}${String.raw`\x00`}${String.raw`\xff`.repeat(8)}${String.raw`\xfe\xff\xff\xff`}`;

async function isEnabled(name: string): Promise<boolean> {
  return (await readFile(`${directory}/${name}`, 'latin1').catch(() => '')).startsWith('enabled');
}

async function mountIt(): Promise<boolean> {
  if (existsSync(`${directory}/register`)) return false;
  const { exitCode, stderr } = await run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', directory]);
  if (exitCode === 0) return true;
  throw new KameError('HOST_PROBLEM', `binfmt_misc could not be mounted at ${directory}: ${stderr.trim()}`, {
    next: 'Use a host, or a container with sufficient rights, that has binfmt_misc: the build needs it to run ARM64 programs.',
  });
}

/**
 * Makes the kernel run ARM64 programs with qemu-user, unless it already does. Disposing undoes the changes.
 * @throws KameError HOST_PROBLEM when the host has no binfmt_misc
 * @see https://docs.kernel.org/admin-guide/binfmt-misc.html
 */
export async function emulateArm64(): Promise<AsyncDisposable> {
  if (process.arch === 'arm64') return { [Symbol.asyncDispose]: async () => undefined };
  const mounted = await mountIt();
  const registered = !(await isEnabled('qemu-aarch64'));
  // F: open the interpreter now, so that it need not be in the root of the guest. O: pass the program as an open file.
  const line = `:${ours}:M::${magic}:${mask}:${which('qemu-aarch64-static')}:OF`;
  if (registered && !(await isEnabled(ours))) await writeFile(`${directory}/register`, line);
  return {
    async [Symbol.asyncDispose]() {
      if (registered) await writeFile(`${directory}/${ours}`, '-1');
      if (mounted) await run('umount', [directory]);
    },
  };
}
