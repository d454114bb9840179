import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Arch } from '../../model/machine.ts';

export interface EngineSearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly os: 'linux' | 'darwin';
}

/** Directories of Homebrew, MacPorts and local builds, which may be missing from the PATH of a daemon. */
const usualDirectories: Record<EngineSearch['os'], readonly string[]> = {
  darwin: ['/opt/homebrew/bin', '/usr/local/bin', '/opt/local/bin'],
  linux: ['/usr/bin', '/usr/local/bin', '/home/linuxbrew/.linuxbrew/bin'],
};

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function directories({ env, os }: EngineSearch): string[] {
  const chosen = env['KAME_QEMU_DIR'];
  if (chosen) return [chosen];
  const path = (env['PATH'] ?? '').split(delimiter).filter((directory) => directory.startsWith('/'));
  return [...new Set([...path, ...usualDirectories[os]])];
}

async function find(program: string, search: EngineSearch): Promise<string> {
  const places = directories(search).map((directory) => join(directory, program));
  for (const place of places) {
    if (await isProgram(place)) return place;
  }
  throw new KameError('ENGINE_MISSING', `${program} was not found in ${places.join(', ')}.`, {
    details: { program },
  });
}

/**
 * Finds the QEMU for an architecture: KAME_QEMU_AARCH64 or KAME_QEMU_X86_64 (a program), otherwise in KAME_QEMU_DIR (a
 * directory), otherwise in PATH and the usual directories.
 * @throws KameError ENGINE_MISSING naming every place searched
 */
export async function findEngine(arch: Arch, search: EngineSearch): Promise<string> {
  const variable = `KAME_QEMU_${arch.toUpperCase()}`;
  const chosen = search.env[variable];
  if (!chosen) return await find(`qemu-system-${arch}`, search);
  if (await isProgram(chosen)) return chosen;
  throw new KameError('ENGINE_MISSING', `${variable} is ${chosen}, which is not a program.`);
}

/** Finds qemu-img. @throws KameError ENGINE_MISSING naming every place searched */
export async function findQemuImg(search: EngineSearch): Promise<string> {
  return await find('qemu-img', search);
}
