import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { KameError } from '../core/errors.ts';

const largestSide = 16_384;

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc32(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crcTable[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/**
 * Converts the image that `screendump` writes in any build of QEMU (binary PPM, 8 bits) to PNG. QEMU fills each row up to a
 * multiple of four bytes, unlike the format, as pixman stores rows (seen with 7.2 and a width of 1921).
 * @throws KameError ENGINE_FAILED for anything else
 */
export async function pngFromPpm(ppm: Buffer): Promise<Buffer> {
  const head = /^P6\s+(\d{1,5})\s+(\d{1,5})\s+255\s/.exec(ppm.toString('latin1', 0, 64));
  const width = Number(head?.[1] ?? 0);
  const height = Number(head?.[2] ?? 0);
  const pixels = ppm.subarray(head?.[0].length ?? 0);
  const row = width * 3;
  const filled = Math.ceil(row / 4) * 4;
  if (
    !head ||
    width < 1 ||
    height < 1 ||
    width > largestSide ||
    height > largestSide ||
    (pixels.length !== row * height && pixels.length !== filled * height)
  ) {
    throw new KameError('ENGINE_FAILED', 'The screenshot from QEMU is not a valid image.');
  }
  return await pngFromRgb({ width, height, rgb: pixels });
}

/** A picture as PNG. Its rows are of red, green and blue, a byte each; they may be longer than that. */
export async function pngFromRgb(picture: {
  readonly width: number;
  readonly height: number;
  readonly rgb: Buffer;
}): Promise<Buffer> {
  const { width, height, rgb } = picture;
  const row = width * 3;
  const rows = Buffer.alloc((row + 1) * height);
  const stride = rgb.length / height;
  for (let y = 0; y < height; y += 1) rgb.copy(rows, y * (row + 1) + 1, y * stride, y * stride + row);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', await promisify(deflate)(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
