import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../core/errors.ts';
import { writeFileAtomic } from '../sys/files.ts';
import { readOwn } from '../sys/own-file.ts';
import type { ProcessIdentity } from '../sys/process-identity.ts';
import { companionExtension } from './names.ts';

/** What the next daemon must know about a companion process. */
export interface CompanionRecord {
  /** Unique in its directory. */
  readonly name: string;
  /** Consecutive arguments that only this process has. They identify it while `process` is null. */
  readonly mark: readonly string[];
  /** Null until the process has started and is identified: the daemon may die in between. */
  readonly process: ProcessIdentity | null;
}

const maxBytes = 64 * 1024;

function pathOf(directory: string, name: string): string {
  return join(directory, `${name}${companionExtension}`);
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, birth } = value as Record<string, unknown>;
  return Number.isSafeInteger(pid) && (pid as number) > 1 && typeof birth === 'string';
}

function parse(name: string, text: string): CompanionRecord | undefined {
  try {
    const { mark, process } = JSON.parse(text) as Record<string, unknown>;
    if (!Array.isArray(mark) || mark.length === 0) return undefined;
    if (!mark.every((word) => typeof word === 'string')) return undefined;
    return process === null || isIdentity(process) ? { name, mark, process } : undefined;
  } catch {
    return undefined;
  }
}

export async function writeCompanionRecord(directory: string, record: CompanionRecord): Promise<void> {
  // Not synced: it describes a process, which does not survive a restart of the host.
  const text = `${JSON.stringify(record)}\n`;
  await writeFileAtomic(pathOf(directory, record.name), text, 0o600, { sync: false });
}

/** The companions of a directory, without incomplete records. @throws KameError FILE_ACCESS */
export async function readCompanionRecords(directory: string): Promise<CompanionRecord[]> {
  const files = await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const records = files
    .filter((file) => file.endsWith(companionExtension) && !file.startsWith('.'))
    .map(async (file) => {
      const bytes = await readOwn(join(directory, file), { maxBytes, trusted: true });
      return parse(file.slice(0, -companionExtension.length), bytes.toString('utf8'));
    });
  return (await Promise.all(records)).filter((record) => record !== undefined);
}

export async function removeCompanionRecord(directory: string, name: string): Promise<void> {
  await rm(pathOf(directory, name), { force: true });
}
