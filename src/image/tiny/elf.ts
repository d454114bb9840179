import { KameError } from '../../core/errors.ts';

/** The parts of a 64-bit little-endian ELF file that the tiny image needs. Format: elf(5). */
export interface Elf {
  /** Names of the shared libraries that the dynamic loader loads. */
  readonly needed: readonly string[];
  /** Path of the dynamic loader, if any. */
  readonly interpreter: string | undefined;
  /** Bytes of a section, or undefined. */
  section(name: string): Buffer | undefined;
}

interface Part {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const maxParts = 2000;

function bad(name: string, reason: string): KameError {
  return new KameError('BAD_IMAGE', `${name} is not a usable ELF file: ${reason}.`);
}

function number64(data: Buffer, offset: number): number {
  return Number(data.readBigUInt64LE(offset));
}

/** A NUL-terminated string, at most 4096 bytes. */
function text(data: Buffer, offset: number): string {
  const end = data.indexOf(0, offset);
  return data.toString('latin1', offset, Math.min(end < 0 ? data.length : end, offset + 4096));
}

function readSegments(data: Buffer): Part[] {
  const start = number64(data, 0x20);
  const entry = data.readUInt16LE(0x36);
  const count = Math.min(data.readUInt16LE(0x38), maxParts);
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * entry;
    return {
      type: data.readUInt32LE(at),
      offset: number64(data, at + 8),
      address: number64(data, at + 16),
      size: number64(data, at + 32),
    };
  });
}

function readDynamic(data: Buffer, segments: Part[]): string[] {
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  if (!dynamic) return [];
  const offsets: number[] = [];
  let strings = 0;
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    const tag = number64(data, at);
    if (tag === 0) break;
    if (tag === DT_NEEDED) offsets.push(number64(data, at + 8));
    if (tag === DT_STRTAB) strings = number64(data, at + 8);
  }
  const load = segments.find(
    (one) => one.type === PT_LOAD && strings >= one.address && strings < one.address + one.size,
  );
  const base = load ? strings - load.address + load.offset : strings;
  return offsets.map((offset) => text(data, base + offset));
}

function findSection(data: Buffer, name: string): Buffer | undefined {
  const start = number64(data, 0x28);
  const entry = data.readUInt16LE(0x3a);
  const count = Math.min(data.readUInt16LE(0x3c), maxParts);
  const namesAt = number64(data, start + data.readUInt16LE(0x3e) * entry + 24);
  for (let index = 0; index < count; index += 1) {
    const at = start + index * entry;
    if (text(data, namesAt + data.readUInt32LE(at)) !== name) continue;
    const offset = number64(data, at + 24);
    return data.subarray(offset, offset + number64(data, at + 32));
  }
  return undefined;
}

/**
 * Reads the dependencies and sections of an ELF file.
 * @throws KameError BAD_IMAGE when it is not a 64-bit little-endian ELF file, or its tables are outside the file
 */
export function readElf(bytes: Uint8Array, name: string): Elf {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (data.length < 64 || data.readUInt32BE(0) !== 0x7f454c46 || data.readUInt16BE(4) !== 0x0201) {
    throw bad(name, 'it has no 64-bit little-endian header');
  }
  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (error instanceof RangeError) throw bad(name, 'its tables are outside the file');
      throw error;
    }
  };
  const segments = guarded(() => readSegments(data));
  const interpreter = segments.find((segment) => segment.type === PT_INTERP);
  return {
    needed: guarded(() => readDynamic(data, segments)),
    interpreter: interpreter && text(data, interpreter.offset),
    section: (sectionName) => guarded(() => findSection(data, sectionName)),
  };
}
