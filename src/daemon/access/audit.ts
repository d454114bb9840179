import { rename, rm } from 'node:fs/promises';
import { auditEntry, type AuditEntry } from '../../api/web.ts';
import { KameError, errnoOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { openToAppend, readOwnIfThere } from '../../sys/own-file.ts';

/** A file that has reached this size is put aside, in bytes. */
const maxFileBytes = 4 * 1024 * 1024;
/** How many are put aside; the oldest is removed when there is one more. */
const maxAside = 4;
/** The most entries that wait to be written; more are counted as lost. */
const maxWaiting = 10_000;
/** The longest name of a machine that is written down. */
const maxMachineLength = 256;

export type AuditFacts = Omit<AuditEntry, 'at'>;

/** The result of what threw an error, as an entry has it. */
export function resultOf(error: unknown): string {
  return error instanceof KameError ? error.code : 'INTERNAL';
}

/** Who did what, in files of bounded size that only the user of this computer can read. */
export class AuditLog {
  readonly #path: string;
  readonly #maxFileBytes: number;
  readonly #onProblem: (error: unknown) => void;
  #waiting: string[] = [];
  #lost = 0;
  #writing: Promise<void> | undefined;

  constructor(path: string, onProblem: (error: unknown) => void, fileBytes = maxFileBytes) {
    this.#path = path;
    this.#maxFileBytes = fileBytes;
    this.#onProblem = onProblem;
  }

  /** Writes an entry soon: nothing waits for it. */
  record(facts: AuditFacts): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#lost += 1;
      return;
    }
    const machine = facts.machine?.slice(0, maxMachineLength) ?? null;
    this.#waiting.push(
      JSON.stringify({ at: new Date().toISOString(), ...facts, machine } satisfies AuditEntry),
    );
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Resolves when what was recorded is in the file. */
  async written(): Promise<void> {
    await this.#writing;
  }

  /** The last entries, the latest last. @throws KameError FILE_ACCESS */
  async read(limit: number): Promise<AuditEntry[]> {
    await this.written();
    const parts: AuditEntry[][] = [];
    let count = 0;
    for (let age = 0; age <= maxAside && count < limit; age += 1) {
      const bytes = await readOwnIfThere(this.#aside(age), { maxBytes: 2 * this.#maxFileBytes });
      const part = entriesIn(bytes?.toString('utf8') ?? '');
      parts.unshift(part);
      count += part.length;
    }
    return parts.flat().slice(-limit);
  }

  /** The file of an age: 0 is the present one. */
  #aside(age: number): string {
    return age === 0 ? this.#path : this.#path.replace(/\.jsonl$/, `.${age}.jsonl`);
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        await this.#append(`${lines.join('\n')}\n`);
      } catch (error) {
        this.#lost += lines.length;
        this.#onProblem(error);
      }
    }
    if (this.#lost > 0) this.#onProblem(new Error(`${this.#lost} entries of the audit log are lost.`));
    this.#lost = 0;
  }

  async #append(text: string): Promise<void> {
    let size: number;
    {
      await using file = await openToAppend(this.#path);
      await file.appendFile(text);
      ({ size } = await file.stat());
    }
    if (size < this.#maxFileBytes) return;
    await rm(this.#aside(maxAside), { force: true });
    for (let age = maxAside - 1; age >= 0; age -= 1) await this.#moveAside(age);
  }

  async #moveAside(age: number): Promise<void> {
    try {
      await rename(this.#aside(age), this.#aside(age + 1));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

/** What a kill or another program has damaged is left out. */
function entriesIn(text: string): AuditEntry[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [auditEntry.parse(parseJson(line))];
    } catch {
      return [];
    }
  });
}
