import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJsonLines } from './ndjson.ts';

async function read(chunks: readonly Uint8Array[]): Promise<unknown[]> {
  const found: unknown[] = [];
  async function* source() {
    for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
  }
  for await (const value of readJsonLines(source())) found.push(value);
  return found;
}

describe('reading a JSON value a line', () => {
  it('gives what was written, wherever the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 5 }),
        fc.integer({ min: 1, max: 9 }),
        async (values, step) => {
          const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
          const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) =>
            bytes.subarray(index * step, (index + 1) * step),
          );
          expect(await read(chunks)).toEqual(JSON.parse(JSON.stringify(values)));
        },
      ),
    );
  });

  it('skips empty lines and drops an unfinished one', async () => {
    expect(await read([Buffer.from('\n{"a":1}\n \n{"b"')])).toEqual([{ a: 1 }]);
  });

  it('refuses what is not JSON, and a line that never ends', async () => {
    await expect(read([Buffer.from('nonsense\n')])).rejects.toMatchObject({ code: 'INTERNAL' });
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    await expect(read(Array.from({ length: 17 }, () => chunk))).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
