import { readFileCapped, writeFileAtomic } from '../../sys/files.ts';

const largestFile = 1024 * 1024;

/** What was found out about this host, in a file of the cache, by keys that change with all that it depends on. */
export class Findings<Finding> {
  readonly #path: string;
  readonly #isFinding: (value: unknown) => value is Finding;

  /** @param isFinding whether a value in the file has the right shape; others are left out */
  constructor(path: string, isFinding: (value: unknown) => value is Finding) {
    this.#path = path;
    this.#isFinding = isFinding;
  }

  async find(key: string): Promise<Finding | undefined> {
    return (await this.#read()).get(key);
  }

  /** @throws KameError FILE_ACCESS, DISK_FULL */
  async keep(key: string, finding: Finding): Promise<void> {
    // Read again: the start of another machine may have added one in the meantime.
    await this.#write((await this.#read()).set(key, finding));
  }

  /** @throws KameError FILE_ACCESS, DISK_FULL */
  async forget(key: string): Promise<void> {
    const all = await this.#read();
    if (all.delete(key)) await this.#write(all);
  }

  async #write(all: ReadonlyMap<string, Finding>): Promise<void> {
    await writeFileAtomic(this.#path, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
  }

  async #read(): Promise<Map<string, Finding>> {
    try {
      const text = (await readFileCapped(this.#path, largestFile)).toString('utf8');
      const entries = Object.entries(JSON.parse(text) as object);
      return new Map(entries.filter((entry): entry is [string, Finding] => this.#isFinding(entry[1])));
    } catch {
      // The file is missing or damaged: it is found out again.
      return new Map();
    }
  }
}
