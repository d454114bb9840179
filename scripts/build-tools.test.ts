import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readElf } from '../src/image/tiny/elf.ts';
import { useTemporaryDirectory } from '../test/support/temporary-directory.ts';
import { buildTools } from './build-tools.ts';
import { goSources, runGo } from './go.ts';

/** In CI Go must be there, as for the check. */
const hasGo = process.env['CI'] !== undefined || runGo(['version']) !== undefined;
const makeDirectory = useTemporaryDirectory();
const minute = 60_000;

function hashes(paths: readonly string[] = []): string[] {
  return paths.map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'));
}

describe.skipIf(!hasGo)('kame-tools', () => {
  it(
    'are the same bytes wherever they are built, and need no library',
    () => {
      const copy = join(makeDirectory(), 'a', 'copy of the sources');
      cpSync(goSources, copy, { recursive: true });
      const here = buildTools(makeDirectory());
      const there = buildTools(makeDirectory(), copy);
      expect(hashes(here)).toEqual(hashes(there));
      for (const path of here ?? []) {
        expect(readElf(readFileSync(path), path)).toMatchObject({ needed: [], interpreter: undefined });
      }
    },
    10 * minute,
  );

  it(
    'pass their own tests',
    () => {
      const result = runGo(['test', '-timeout', '2m', './...']);
      expect(result?.output).not.toContain('FAIL');
      expect(result?.code).toBe(0);
    },
    10 * minute,
  );
});
