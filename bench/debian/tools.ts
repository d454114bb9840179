import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { KameError } from '../../src/core/errors.ts';
import { run } from '../../src/sys/process.ts';

/** The programs that the build needs, and the Debian packages that contain them. */
const packages: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  'qemu-aarch64-static': 'qemu-user-static',
  unshare: 'util-linux',
  sgdisk: 'gdisk',
  'mkfs.vfat': 'dosfstools',
  mmd: 'mtools',
  mcopy: 'mtools',
  'mkfs.ext4': 'e2fsprogs',
  'qemu-img': 'qemu-utils',
  'apt-get': 'apt',
  'dpkg-query': 'dpkg',
};

/** The path of a program; undefined if it is not in PATH. */
export function which(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Those of the programs, the keys, that are not in PATH. */
export function missingPrograms(programs: Readonly<Record<string, string>>): string[] {
  return Object.keys(programs).filter((name) => which(name) === undefined);
}

/**
 * Checks in advance that the build can run on this host.
 * @throws KameError HOST_PROBLEM, ENGINE_MISSING naming everything that is missing
 */
export function checkNeeds(): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new KameError(
      'HOST_PROBLEM',
      'The Debian guest can only be built by root on Linux, because its files have different owners.',
    );
  }
  const missing = missingPrograms(packages);
  if (missing.length === 0) return;
  const wanted = [...new Set(missing.map((name) => packages[name]))].join(' ');
  throw new KameError('ENGINE_MISSING', `The build of the Debian guest needs ${missing.join(', ')}.`, {
    next: `Run \`apt-get install --no-install-recommends ${wanted}\`.`,
  });
}

const hourMs = 3_600_000;

/**
 * Runs a command of the build to completion, at low priority.
 * @returns its standard output
 * @throws KameError HOST_PROBLEM with the end of its output when it fails, and any error of `run`
 */
export async function mustRun(signal: AbortSignal, command: string, ...args: string[]): Promise<string> {
  const result = await run('nice', ['-n', '10', command, ...args], { timeoutMs: hourMs, signal });
  if (result.exitCode === 0) return result.stdout;
  const said = `${result.stdout}\n${result.stderr}`.trim().slice(-2000);
  throw new KameError('HOST_PROBLEM', `${command} failed (${result.exitCode ?? result.signal}):\n${said}`);
}
