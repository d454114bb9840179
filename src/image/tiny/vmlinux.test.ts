import { describe, expect, it } from 'vitest';
import { storeXz } from '../debian/fixtures/store-xz.ts';
import { extractVmlinux, undoX86Filter } from './vmlinux.ts';

const kernel = Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), Buffer.alloc(200_000, 'kernel text ')]);
kernel.set([0xe8, 0x10, 0x00, 0x00, 0x00], 1000);
/** The output of the branch filter: the relative target of the call has become absolute. */
const filtered = Buffer.from(kernel);
filtered.writeUInt32LE(0x10 + 1000 + 5, 1001);

function bzImage(payload: Buffer, length = payload.length): Buffer {
  const image = Buffer.alloc(4 * 512 + 0x100);
  image[0x1f1] = 3;
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt32LE(0x100, 0x248);
  image.writeUInt32LE(length, 0x24c);
  return Buffer.concat([image, payload]);
}

function payload(size = kernel.length): Buffer {
  const trailer = Buffer.alloc(4);
  trailer.writeUInt32LE(size);
  return Buffer.concat([storeXz(kernel, { stored: filtered }), trailer]);
}

describe('extractVmlinux', () => {
  it('unpacks a kernel, the branch filter undone', async () => {
    expect((await extractVmlinux(bzImage(payload()))).equals(kernel)).toBe(true);
  });

  it('rejects a file that is not a bzImage, is truncated, or claims too large a size', async () => {
    const bad = { code: 'BAD_IMAGE' };
    await expect(extractVmlinux(Buffer.from('MZ'))).rejects.toMatchObject(bad);
    await expect(extractVmlinux(Buffer.alloc(5000))).rejects.toMatchObject(bad);
    await expect(extractVmlinux(bzImage(payload()).subarray(0, 100_000))).rejects.toMatchObject(bad);
    await expect(extractVmlinux(bzImage(payload(), 0x7fffffff))).rejects.toMatchObject(bad);
    await expect(extractVmlinux(bzImage(Buffer.alloc(1000, 'gzip?')))).rejects.toMatchObject(bad);
    await expect(extractVmlinux(bzImage(payload(0xfffffff0)))).rejects.toMatchObject(bad);
    await expect(extractVmlinux(bzImage(payload(kernel.length + 1)))).rejects.toMatchObject(bad);
  });

  it('refuses a kernel with a byte changed', async () => {
    const damaged = bzImage(payload());
    damaged[100_000] = (damaged[100_000] as number) ^ 1;
    await expect(extractVmlinux(damaged)).rejects.toThrow(/checksum/);
  });
});

describe('undoX86Filter', () => {
  it('leaves far targets and short data alone', () => {
    const far = Buffer.from([0xe8, 1, 2, 3, 4, 0, 0, 0, 0]);
    undoX86Filter(far);
    expect([...far]).toEqual([0xe8, 1, 2, 3, 4, 0, 0, 0, 0]);
    const short = Buffer.from([0xe8, 0, 0, 0]);
    undoX86Filter(short);
    expect([...short]).toEqual([0xe8, 0, 0, 0]);
  });
});
