import { closeSync, fstatSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { openOwnSync } from '../sys/own-file.ts';
import { macAt, type Mac } from './packet/mac.ts';
import type { OpenConnections } from './switch-tools.ts';

/** Bytes that are read at most, and of one record: the SYN of a guest, with all options that there may be. */
const [maxBytes, maxRecord] = [8 * 1024 * 1024, 256];
/** Records of connections that have ended, beyond as many as are open, before they are left out. */
const maxEnded = 1024;

/**
 * The connections that guests have to the outside, in a file: when the switch is killed, the next one tells the guests that they
 * have ended. A guest that only waits for more would not notice. Each is the guest's SYN, after its length (16 bits); only
 * beginnings are written at once, because the guest has no harm from being asked about one that is over.
 */
export class ConnectionFile implements OpenConnections {
  readonly #path: string;
  readonly #open = new Set<Buffer>();
  #left: Buffer[];
  #records = 0;
  #file: number | null = null;

  /** @param path in a directory of which nobody else knows */
  constructor(path: string) {
    this.#path = path;
    this.#left = readRecords(path);
  }

  opened(opening: Buffer): void {
    this.#open.add(opening);
    this.#records += 1;
    try {
      if (this.#file === null || this.#records > 2 * this.#open.size + maxEnded) this.#writeAll();
      else writeSync(this.#file, recordOf(opening));
    } catch {
      // On a full disk the next switch knows fewer connections.
    }
  }

  ended(opening: Buffer): void {
    this.#open.delete(opening);
  }

  takeLeft(mac: Mac): Buffer[] {
    if (this.#left.length === 0) return [];
    const own = this.#left.filter((opening) => macAt(opening, 6) === mac);
    this.#left = this.#left.filter((opening) => macAt(opening, 6) !== mac);
    return own;
  }

  #writeAll(): void {
    const all = [...this.#left, ...this.#open];
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, Buffer.concat(all.map(recordOf)), { mode: 0o600 });
    renameSync(temporary, this.#path);
    if (this.#file !== null) closeSync(this.#file);
    this.#file = openSync(this.#path, 'a', 0o600);
    this.#records = all.length;
  }
}

function recordOf(opening: Buffer): Buffer {
  const record = Buffer.alloc(2 + opening.length);
  record.writeUInt16BE(opening.length);
  record.set(opening, 2);
  return record;
}

function readRecords(path: string): Buffer[] {
  try {
    const file = openOwnSync(path);
    try {
      return fstatSync(file).size > maxBytes ? [] : splitRecords(readFileSync(file));
    } finally {
      closeSync(file);
    }
  } catch {
    // The first switch of a network finds none.
    return [];
  }
}

/** The whole records; the last one may have been cut off by a kill. */
function splitRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length || end - at > maxRecord) break;
    records.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return records;
}
