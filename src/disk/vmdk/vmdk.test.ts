import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at, head, makeVmdk, noise, readVmdk, useVmdks } from '../../../test/support/vmdk.ts';

useVmdks();

describe('extents beside a descriptor', () => {
  it('are rejected if they are links, missing, too short, or used twice', async () => {
    mkdirSync(at('outside'));
    writeFileSync(at('outside/secret'), 'x'.repeat(8 * 512));
    symlinkSync(at('outside/secret'), at('link'));
    writeFileSync(at('short'), 'x');
    writeFileSync(at('four'), Buffer.alloc(4 * 512));
    const cases: [string, RegExp][] = [
      ['RW 8 FLAT "link" 0', /link/],
      ['RW 8 FLAT "absent" 0', /"absent", which is not in the same directory/],
      ['RW 8 FLAT "outside" 0', /is a directory/],
      ['RW 8 FLAT "short" 0', /truncated/],
      ['RW 4 FLAT "four" 0\nRW 4 FLAT "four" 0', /truncated/],
      ['RW 4 SPARSE "four"\nRW 4 SPARSE "four"', /twice/],
      ['RW 4 SPARSE "four"', /no KDMV header/],
    ];
    for (const [lines, message] of cases) {
      writeFileSync(at('x.vmdk'), `${head}${lines}\n`);
      const refusal = await readVmdk(at('x.vmdk'));
      expect(refusal).toMatch(/^BAD_IMAGE/);
      expect(refusal).toMatch(message);
    }
  });

  it('are found by their names in the encoding of the descriptor', async () => {
    writeFileSync(at('Dépôt-flat.vmdk'), Buffer.alloc(8 * 512, 'k'));
    const text = `${head}encoding="windows-1252"\nRW 8 FLAT "D\u00e9p\u00f4t-flat.vmdk" 0\n`;
    writeFileSync(at('x.vmdk'), Buffer.from(text, 'latin1'));
    expect(await readVmdk(at('x.vmdk'))).toEqual(Buffer.alloc(8 * 512, 'k'));
  });

  it('are found next to the file that a symbolic link leads to', async () => {
    mkdirSync(at('real'));
    writeFileSync(at('real/x-flat.vmdk'), Buffer.alloc(8 * 512, 'k'));
    writeFileSync(at('real/x.vmdk'), `${head}RW 8 FLAT "x-flat.vmdk" 0\n`);
    symlinkSync(at('real/x.vmdk'), at('link.vmdk'));
    expect(await readVmdk(at('link.vmdk'))).toEqual(Buffer.alloc(8 * 512, 'k'));
  });

  it('are rejected with advice if opened alone', async () => {
    makeVmdk('split.vmdk', 'twoGbMaxExtentSparse', noise);
    expect(await readVmdk(at('split-s001.vmdk'))).toMatch(/one part of a split disk/);
  });
});
