import { crc32 } from 'node:zlib';
import { KameError } from '../../core/errors.ts';
import { decompressXz } from '../debian/xz.ts';

const maxKernelBytes = 512 * 1024 * 1024;
const streamHeader = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const LZMA2 = 0x21;
const BCJ_X86 = 0x04;

function bad(reason: string): KameError {
  return new KameError('BAD_IMAGE', `The x86 kernel cannot be unpacked: ${reason}.`);
}

function withCrc(bytes: number[]): Buffer {
  const data = Buffer.alloc(bytes.length + 4);
  data.set(bytes);
  data.writeUInt32LE(crc32(Buffer.from(bytes)), bytes.length);
  return data;
}

/** The compressed kernel in a bzImage (Linux, Documentation/arch/x86/boot.rst: payload_offset and payload_length). */
function payloadOf(image: Buffer): Buffer {
  if (image.length < 0x260 || image.toString('latin1', 0x202, 0x206) !== 'HdrS')
    throw bad('it is not a bzImage');
  const setup = ((image[0x1f1] as number) || 4) + 1;
  const start = setup * 512 + image.readUInt32LE(0x248);
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c));
  if (payload.length < 64 || payload.length !== image.readUInt32LE(0x24c))
    throw bad('its payload is truncated');
  if (!streamHeader.every((byte, index) => payload[index] === byte)) throw bad('its payload is not xz');
  return payload;
}

interface Block {
  /** The dictionary size byte of the LZMA2 filter. */
  readonly dictionary: number;
  readonly bcj: boolean;
  /** Where the compressed data starts. */
  readonly start: number;
}

/** Reads the header of the first block, which has filters but no sizes, as the build of the kernel makes it. */
function readBlock(xz: Buffer): Block {
  const size = ((xz[12] as number) + 1) * 4;
  const flags = xz[13] as number;
  if (size === 4 || flags & 0xfc) throw bad('the format of its xz block is unknown');
  let at = 14;
  let bcj = false;
  let dictionary: number | undefined;
  for (let filter = 0; filter <= (flags & 3); filter += 1) {
    const id = xz[at] as number;
    const properties = xz[at + 1] as number;
    if (id === BCJ_X86 && properties === 0) bcj = true;
    else if (id === LZMA2 && properties === 1) dictionary = xz[at + 2];
    else throw bad(`it uses the xz filter ${id}`);
    at += 2 + properties;
  }
  if (dictionary === undefined) throw bad('its xz block has no LZMA2 filter');
  return { dictionary, bcj, start: 12 + size };
}

const isEnd = (byte: number | undefined) => byte === 0x00 || byte === 0xff;

/**
 * Undoes the x86 branch filter of xz in place: absolute targets of CALL (E8) and JMP (E9) become relative again. `mask`
 * tracks opcodes in the three bytes before an opcode, which tell whether the encoder left it alone.
 */
export function undoX86Filter(data: Uint8Array): void {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  // Indexed by mask: the deciding byte of the operand, counted from its end, and whether a conversion is allowed at
  // all.
  const decides = [0, 1, 2, 2, 3, 3, 3, 3];
  const allowed = [true, true, true, false, true, false, false, false];
  let previous = -1;
  let mask = 0;
  for (let at = 0; at < data.length - 4; at += 1) {
    if (((data[at] as number) & 0xfe) !== 0xe8) continue;
    const distance = at - previous;
    previous = at;
    mask = distance > 3 ? 0 : (mask << (distance - 1)) & 7;
    const blocked = mask !== 0 && (!allowed[mask] || isEnd(data[at + 4 - (decides[mask] as number)]));
    if (blocked || !isEnd(data[at + 4])) {
      mask = (mask << 1) | 1;
      continue;
    }
    let source = view.getUint32(at + 1, true);
    let target = 0;
    for (;;) {
      target = (source - (at + 5)) >>> 0;
      if (mask === 0) break;
      const shift = (decides[mask] as number) * 8;
      if (!isEnd((target >>> (24 - shift)) & 0xff)) break;
      source = (target ^ (2 ** (32 - shift) - 1)) >>> 0;
    }
    target &= 0x01ffffff;
    if (target & 0x01000000) target |= 0xff000000;
    view.setUint32(at + 1, target >>> 0, true);
    at += 4;
  }
}

/** Decompresses LZMA2 data of a known size, as the only block of an xz stream without checksum and end. */
async function decompressBlock(
  data: Buffer,
  dictionary: number,
  expected: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const header = Buffer.concat([
    Buffer.from(streamHeader),
    withCrc([0, 0]),
    withCrc([2, 0, LZMA2, 1, dictionary, 0, 0, 0]),
  ]);
  const chunks: Uint8Array[] = [];
  let total = 0;
  const options = { name: 'The x86 kernel', maxBytes: expected, ...(signal ? { signal } : {}) };
  for await (const chunk of decompressXz(Buffer.concat([header, data]), options)) {
    chunks.push(chunk);
    total += chunk.length;
    if (total === expected) break;
  }
  return Buffer.concat(chunks);
}

/**
 * Extracts the uncompressed ELF kernel from a bzImage. QEMU starts it at its PVH entry point, which saves a guest under
 * TCG the 3.7 s that the kernel would take to decompress itself.
 *
 * The decompressor does not support the branch filter, so it gets the block without filter and checksum; this function
 * undoes the filter and verifies the checksum itself.
 * @throws KameError BAD_IMAGE, CANCELLED
 */
export async function extractVmlinux(bzImage: Uint8Array, signal?: AbortSignal): Promise<Buffer> {
  const image = Buffer.from(bzImage.buffer, bzImage.byteOffset, bzImage.length);
  const payload = payloadOf(image);
  // The build of the kernel appends the unpacked size to the stream.
  const xz = payload.subarray(0, payload.length - 4);
  const expected = payload.readUInt32LE(payload.length - 4);
  if (expected > maxKernelBytes) throw bad(`it would be ${expected} bytes long`);
  const block = readBlock(xz);
  const indexSize = (xz.readUInt32LE(xz.length - 8) + 1) * 4;
  const checkAt = xz.length - 12 - indexSize - 4;
  if (xz[7] !== 1 || checkAt <= block.start) throw bad('its xz stream has no CRC32');
  const kernel = await decompressBlock(xz.subarray(block.start, checkAt), block.dictionary, expected, signal);
  if (block.bcj) undoX86Filter(kernel);
  if (crc32(kernel) !== xz.readUInt32LE(checkAt)) throw bad('its checksum is wrong');
  if (kernel.readUInt32BE(0) !== 0x7f454c46) throw bad('it is not an ELF file');
  return kernel;
}
