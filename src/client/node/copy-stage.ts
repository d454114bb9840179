import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { fileError, writeFileAtomic } from '../../sys/files.ts';
import { isOwnDirectory, readOwnIfThere } from '../../sys/own-file.ts';
import { identify, isAlive, type ProcessIdentity } from '../../sys/process-identity.ts';

/** A directory that a copy fills beside its place, as the home records it while the copy runs. */
interface StageRecord {
  readonly path: string;
  /** The process that copies. */
  readonly process: ProcessIdentity;
}

const recordName = /^([0-9a-f]{12})\.json$/u;
const maxRecordBytes = 16_384;

function recordsIn(home: string): string {
  return join(home, 'copies');
}

function stageName(token: string): string {
  return `.kame-copy-${token}`;
}

/** What a record says; undefined if that is no stage of this token. */
function readRecord(text: string, token: string): StageRecord | undefined {
  try {
    const { path, process } = (parseJson(text) ?? {}) as Partial<StageRecord>;
    const isOurs = typeof path === 'string' && basename(path) === stageName(token);
    const isKnown = typeof process?.pid === 'number' && typeof process.birth === 'string';
    return isOurs && isKnown ? { path, process } : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the stage of a record whose process has ended, and then the record. */
async function sweep(record: string, token: string): Promise<void> {
  const bytes = await readOwnIfThere(record, { maxBytes: maxRecordBytes, trusted: true });
  if (!bytes) return;
  const found = readRecord(bytes.toString('utf8'), token);
  if (found) {
    if (await isAlive(found.process)) return;
    if (await isOwnDirectory(found.path)) await rm(found.path, { recursive: true, force: true });
  }
  await rm(record, { force: true });
}

/**
 * Removes what copies have left behind whose process was killed. Only what this home has recorded counts, and a directory of
 * another user, or a link, is left alone.
 */
export async function sweepStages(home: string): Promise<void> {
  const records = recordsIn(home);
  const names = await readdir(records).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, records);
  });
  for (const name of names) {
    const token = recordName.exec(name)?.[1];
    // What cannot be removed now is tried again by the next copy, and does not hold up this one.
    if (token !== undefined) await sweep(join(records, name), token).catch(() => undefined);
  }
}

/**
 * Makes an empty directory in another one for a copy to fill. Disposing it removes what is left in it; if the process is killed
 * before that, the next copy does.
 * @throws KameError FILE_ACCESS, DISK_FULL
 */
export async function stageIn(
  directory: string,
  home: string,
): Promise<{ readonly path: string } & AsyncDisposable> {
  const token = randomBytes(6).toString('hex');
  const path = join(directory, stageName(token));
  const record = join(recordsIn(home), `${token}.json`);
  const self = await identify(process.pid);
  try {
    await mkdir(recordsIn(home), { recursive: true, mode: 0o700 });
    await writeFileAtomic(record, JSON.stringify({ path, process: self }));
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    await rm(record, { force: true });
    throw fileError(error, path);
  }
  const remove = async () => {
    await rm(path, { recursive: true, force: true });
    await rm(record, { force: true });
  };
  return { path, [Symbol.asyncDispose]: remove };
}
