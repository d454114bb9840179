import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileId } from '../sys/file-id.ts';
import { exists, isTaken, syncDirectory, writeFileAtomic } from '../sys/files.ts';
import { readOwnIfThere } from '../sys/own-file.ts';
import { machineNames, type HomeNames } from './names.ts';

/**
 * The records of unfinished changes, `operations/NONCE.json` in the home. Each is written before the journal with that
 * nonce and removed after it, so a journal without a record is not ours.
 */
interface OperationRecord {
  /** Path of the `.vmx`, relative to the home, so that the home can be moved. */
  readonly vmx: string;
  /** Device and inode of the machine's directory, so that the machine can be moved. A copy has others. */
  readonly directory: string;
  /** The change makes the machine. */
  readonly isNew: boolean;
}

/** The machine whose files are changed. */
interface Place {
  readonly vmx: string;
  /** Where its files are now; a new bundle is filled under another name. */
  readonly directory: string;
}

const nonceForm = /^[0-9a-f]{32}$/;
const maxBytes = 64 * 1024;

async function directoryId(path: string): Promise<string> {
  return (await fileId(path)) ?? '';
}

function pathOf(home: HomeNames, nonce: string): string {
  return join(home.operations, `${nonce}.json`);
}

/**
 * Records that a change to a machine's files begins.
 * @returns the nonce for its journal
 * @throws KameError DISK_FULL, FILE_ACCESS
 */
export async function recordOperation(
  home: HomeNames,
  { vmx, directory }: Place,
  options: { readonly sync?: boolean } = {},
): Promise<string> {
  const nonce = randomBytes(16).toString('hex');
  const record: OperationRecord = {
    vmx: relative(home.home, vmx),
    directory: await directoryId(directory),
    isNew: directory !== dirname(vmx),
  };
  const made = await mkdir(home.operations, { recursive: true, mode: 0o700 });
  if (made !== undefined && options.sync !== false) await syncDirectory(home.home);
  await writeFileAtomic(pathOf(home, nonce), `${JSON.stringify(record)}\n`, 0o600, options);
  return nonce;
}

async function readRecord(home: HomeNames, nonce: string): Promise<OperationRecord | undefined> {
  if (!nonceForm.test(nonce)) return undefined;
  const bytes = await readOwnIfThere(pathOf(home, nonce), { maxBytes, trusted: true });
  if (!bytes) return undefined;
  try {
    const { vmx, directory, isNew } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    if (typeof vmx !== 'string' || typeof directory !== 'string') return undefined;
    return { vmx, directory, isNew: isNew === true };
  } catch {
    return undefined;
  }
}

/** Whether this home has recorded the change with that nonce, for the machine at this place. @throws KameError FILE_ACCESS */
export async function isRecorded(
  home: HomeNames,
  nonce: string,
  { vmx, directory }: Place,
): Promise<boolean> {
  const record = await readRecord(home, nonce);
  if (!record) return false;
  const isMoved = record.directory !== '' && record.directory === (await directoryId(directory));
  return isMoved || record.vmx === relative(home.home, vmx);
}

/** Removes a record, after its journal. */
export async function forgetOperation(home: HomeNames, nonce: string): Promise<void> {
  if (nonceForm.test(nonce)) await rm(pathOf(home, nonce), { force: true });
}

type ListedRecord = OperationRecord & { readonly nonce: string };

/** All records, with absolute paths. */
async function allRecords(home: HomeNames): Promise<ListedRecord[]> {
  const found: ListedRecord[] = [];
  for (const name of await readdir(home.operations).catch(() => [])) {
    const nonce = name.replace(/\.json$/, '');
    const record = await readRecord(home, nonce).catch(() => undefined);
    if (record) found.push({ ...record, nonce, vmx: join(home.home, record.vmx) });
  }
  return found;
}

/**
 * The nonces of the records of a machine, wherever it was when they were written. Ask before it is deleted, and forget them
 * afterwards.
 */
export async function operationsOf(home: HomeNames, { vmx, directory }: Place): Promise<string[]> {
  const id = await directoryId(directory);
  const own = (await allRecords(home)).filter(
    (record) => record.vmx === vmx || (id !== '' && record.directory === id),
  );
  return own.map(({ nonce }) => nonce);
}

/** Removes the records of a machine that nothing is changing, if it has no journal: a kill left them, perhaps where it was before. */
export async function forgetSettled(home: HomeNames, place: Place): Promise<void> {
  if (await isTaken(machineNames(place.vmx).journal)) return;
  for (const nonce of await operationsOf(home, place)) await forgetOperation(home, nonce);
}

/**
 * Removes records that a kill left behind, those without a journal. The record of a machine that is neither where it was nor
 * among the known ones is kept: it may be on a drive that is not plugged in. That of a new machine is not: nobody has used it yet.
 * @param machines all that are known; they may have been moved
 */
export async function sweepOperations(home: HomeNames, machines: readonly Place[]): Promise<void> {
  const records = await allRecords(home);
  if (records.length === 0) return;
  const known = new Map<string, Place>();
  for (const place of machines) known.set(await directoryId(place.directory), place);
  known.delete('');
  for (const { nonce, vmx, directory, isNew } of records) {
    const names = machineNames(known.get(directory)?.vmx ?? vmx);
    const isSettled = (await exists(names.directory)) ? !(await isTaken(names.journal)) : isNew;
    if (isSettled) await forgetOperation(home, nonce);
  }
}
