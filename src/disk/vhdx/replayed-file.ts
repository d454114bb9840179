import { badImage } from '../format/image-file.ts';
import type { RangeFile } from '../format/stored-ranges.ts';
import type { LogChange, LogReplay } from './vhdx-log.ts';

/** Changes the part of `bytes`, which begin at `offset` of the file, that a change is about. */
function apply({ at, length, data }: LogChange, bytes: Buffer, offset: number): void {
  const from = Math.max(at, offset);
  const to = Math.min(at + length, offset + bytes.length);
  if (from >= to) return;
  if (data) data.copy(bytes, from - offset, from - at, to - at);
  else bytes.fill(0, from - offset, to - offset);
}

/** A file as it is after the replay of its log, which happens in memory. */
export class ReplayedFile implements RangeFile {
  readonly path: string;
  readonly size: number;
  readonly #file: RangeFile;
  readonly #changes: readonly LogChange[];
  /** The log changes nothing outside of these: it is about tables, and most reads are of data. */
  readonly #firstChange: number;
  readonly #lastChange: number;

  constructor(file: RangeFile, { changes, fileBytes }: LogReplay) {
    this.path = file.path;
    this.#file = file;
    this.#changes = changes;
    this.#firstChange = changes.reduce((least, { at }) => Math.min(least, at), Infinity);
    this.#lastChange = changes.reduce((most, { at, length }) => Math.max(most, at + length), 0);
    this.size = Math.max(this.#lastChange, fileBytes);
  }

  /** As ImageFile has it; what the log adds to the end of the file is zeros. @throws KameError BAD_IMAGE, FILE_ACCESS */
  async read(offset: number, length: number, what: string): Promise<Buffer> {
    if (offset + length > this.size)
      throw badImage(this.path, `is truncated: ${what} is beyond its end at byte ${this.size}`);
    const stored = Math.max(0, Math.min(length, this.#file.size - offset));
    const before = await this.#file.read(offset, stored, what);
    const bytes = stored === length ? before : Buffer.concat([before, Buffer.alloc(length - stored)]);
    if (offset >= this.#lastChange || offset + length <= this.#firstChange) return bytes;
    for (const change of this.#changes) apply(change, bytes, offset);
    return bytes;
  }
}
