import { closeSync, fstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseJson } from '../core/json.ts';
import { openOwnSync } from '../sys/own-file.ts';
import { readLeases } from './read-config.ts';
import type { LeaseStatus } from './switch-config.ts';

/** Bytes that are read at most: the leases of a thousand guests are a fifth of it. */
const maxBytes = 1024 * 1024;
/** Milliseconds between a change and its writing, so that a guest that asks all the time does not keep the disk busy. */
const writeMs = 200;

/** Where the leases of a network outlive its switch. */
export interface LeaseStore {
  /** What the last switch wrote; nothing if that is not readable. */
  read(): readonly LeaseStatus[];
  /** Has the leases written soon. @param current asked for then */
  changed(current: () => readonly LeaseStatus[]): void;
}

/** Leases in a file, which stays while the network does not run: a guest that was suspended goes on with its address. */
export class LeaseFile implements LeaseStore {
  readonly #path: string;
  #isWaiting = false;

  constructor(path: string) {
    this.#path = path;
  }

  read(): readonly LeaseStatus[] {
    try {
      const file = openOwnSync(this.#path);
      try {
        if (fstatSync(file).size > maxBytes) return [];
        return readLeases(parseJson(readFileSync(file, 'utf8')));
      } finally {
        closeSync(file);
      }
    } catch {
      // The first switch of a network finds none, and the guests of the others renew theirs.
      return [];
    }
  }

  changed(current: () => readonly LeaseStatus[]): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      this.#write(current());
    }, writeMs).unref();
  }

  #write(leases: readonly LeaseStatus[]): void {
    const temporary = `${this.#path}.new`;
    try {
      writeFileSync(temporary, JSON.stringify(leases), { mode: 0o600 });
      renameSync(temporary, this.#path);
    } catch {
      // On a full disk the next switch knows fewer leases.
    }
  }
}
