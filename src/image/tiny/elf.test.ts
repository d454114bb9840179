import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KameError } from '../../core/errors.ts';
import { readElf } from './elf.ts';
import { makeElf } from './fixtures/make-elf.ts';

/** The outcome of reading a file: `read`, or the code of the error. */
function outcome(data: Buffer): string {
  try {
    readElf(data, 'tool').section('.modinfo');
    return 'read';
  } catch (error) {
    return error instanceof KameError ? error.code : `not ours: ${String(error)}`;
  }
}

describe('readElf', () => {
  const file = makeElf({ needed: ['libc.so.6', 'libm.so.6'], sections: { '.modinfo': 'name=x\0' } });

  it('reads needed libraries and sections', () => {
    const elf = readElf(file, 'tool');
    expect(elf.needed).toEqual(['libc.so.6', 'libm.so.6']);
    expect(elf.section('.modinfo')?.toString()).toBe('name=x\0');
    expect(elf.section('.none')).toBeUndefined();
    expect(elf.interpreter).toBeUndefined();
  });

  it('rejects a file that is not ELF', () => {
    for (const data of [Buffer.alloc(0), Buffer.from('#!/bin/sh\n'.repeat(20)), Buffer.alloc(100)]) {
      expect(() => readElf(data, 'tool')).toThrow(/64-bit little-endian/);
    }
  });

  it('reads or rejects any damaged file, and never fails otherwise', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), (at, byte, length) => {
        const damaged = Buffer.from(file.subarray(0, length));
        if (at < length) damaged[at] = byte;
        expect(outcome(damaged)).toMatch(/^(read|BAD_IMAGE)$/);
      }),
      { numRuns: 150 },
    );
  });
});
