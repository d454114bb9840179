import { join } from 'node:path';
import { deferred } from '../../core/deferred.ts';
import { DiskFile } from '../../guest/transfer/disk-file.ts';
import { plugDisk, unplugDisk } from '../../qemu/live-transfer.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { takeOut } from './take-out.ts';

/** Bytes of a disk. The first one is small, so that the guest begins soon. */
const [firstDisk, nextDisk] = [8 * 1024 * 1024, 64 * 1024 * 1024];
/** Disks that are plugged in at the same time: the guest reads one while others wait. */
const maxPlugged = 3;

/** The disks of one copy: plugged in one after the other, and taken out when the guest has read them. */
export class DiskFeed implements AsyncDisposable {
  readonly token: string;
  readonly #host: Host;
  readonly #machine: Running;
  readonly #plugged = new Map<number, DiskFile>();
  /** The number of the next disk. */
  #next = 0;
  /** How many disks the guest has read. */
  #read = 0;
  #complete = false;
  #wake = deferred();
  readonly #first = deferred();
  #work: Promise<void> = Promise.resolve();

  constructor(host: Host, machine: Running, token: string) {
    this.#host = host;
    this.#machine = machine;
    this.token = token;
  }

  /** Resolves when the first disk is plugged in. */
  get begun(): Promise<void> {
    return this.#first.promise;
  }

  /** Makes the file of the next disk. @throws KameError DISK_FULL, FILE_ACCESS */
  async create(): Promise<DiskFile> {
    const path = join(this.#machine.run.directory, `copy-${this.token}.${this.#next}`);
    return await DiskFile.create(path, this.#next === 0 ? firstDisk : nextDisk);
  }

  /** Plugs a disk in as soon as few others are. @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT; the signal’s reason */
  async plug(disk: DiskFile, last: boolean, signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake.resolve();
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (this.#next - this.#read >= maxPlugged && !signal.aborted) {
        this.#wake = deferred();
        await this.#wake.promise;
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
    // From here on it is taken out with the others, also if it is only half plugged in.
    this.#plugged.set(this.#next, disk);
    signal.throwIfAborted();
    await plugDisk(this.#machine.engine, `${this.token}.${this.#next}`, disk.path);
    this.#next += 1;
    this.#complete = last;
    this.#first.resolve();
    this.#takeOut();
  }

  /** The guest has read that disk. */
  markRead(number: number): void {
    if (number !== this.#read || number >= this.#next) return;
    this.#read += 1;
    this.#wake.resolve();
    this.#takeOut();
  }

  /** Takes out what was read, except for the newest disk: while there is one, the guest knows that the host lives. */
  #takeOut(): void {
    const until = this.#complete ? this.#read : Math.min(this.#read, this.#next - 1);
    for (const number of [...this.#plugged.keys()].filter((each) => each < until)) this.#remove(number);
  }

  #remove(number: number): void {
    const disk = this.#plugged.get(number);
    if (!disk) return;
    this.#plugged.delete(number);
    const { engine } = this.#machine;
    const unplug = async () => await unplugDisk(engine, `${this.token}.${number}`);
    // One after the other.
    this.#work = this.#work.then(async () => {
      await takeOut(this.#host, this.#machine, unplug, disk.path);
    });
  }

  /** Takes out all disks. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const number of [...this.#plugged.keys()]) this.#remove(number);
    await this.#work;
  }
}
