import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Script } from 'node:vm';
import { errnoOf } from '../core/errors.ts';

/**
 * The code that V8 has compiled for the packs of a build, kept in the `cache` directory of a home. V8 runs it as it is, and
 * compares only its own version, its flags and the length of the text. So the directory is that of one build and one version
 * of Node, and a file of it counts only if nobody else can have written it.
 */

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const maxBytes = 16 * 1024 * 1024;
const directoryForm = /^code-[0-9a-f]{16}-v[0-9.]+$/;
/** After this time, the directory of another build or of another Node is removed. It is made again if it is needed. */
const keptMs = 30 * 24 * 60 * 60 * 1000;

export interface CodeCache {
  /** The code of a pack; undefined if there is none that can be used. */
  read(pack: string): Buffer | undefined;
  /** Keeps all code that was compiled until now. A home that does not exist is not made for it. */
  write(packs: ReadonlyMap<string, Script>): void;
}

/** @param build 16 hexadecimal digits that differ from those of every other build */
export function codeCache(home: string, build: string): CodeCache {
  const cache = join(home, 'cache');
  const directory = join(cache, `code-${build}-${process.version}`);
  return {
    read: (pack) => readTrusted(join(directory, pack)),
    write: (packs) => {
      makeDirectory(cache);
      if (makeDirectory(directory)) removeOld(cache, directory);
      for (const [pack, script] of packs) writeWhole(join(directory, pack), script.createCachedData());
    },
  };
}

function readTrusted(path: string): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const found = fstatSync(file);
    const ours = found.uid === process.geteuid?.() && found.nlink === 1 && (found.mode & 0o022) === 0;
    return found.isFile() && ours && found.size <= maxBytes ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** @returns whether it was made just now */
function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return false;
  }
}

function removeOld(cache: string, kept: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    if (!directoryForm.test(name) || path === kept) continue;
    if (Date.now() - statSync(path).mtimeMs > keptMs) rmSync(path, { recursive: true, force: true });
  }
}

/** V8 has no checksum: after a crash of the host the file must be whole, or not be there. */
function writeWhole(path: string, data: Buffer): void {
  const temporary = `${path}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(file, data);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
