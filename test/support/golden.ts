import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const folder = fileURLToPath(new URL('../golden/', import.meta.url));

/**
 * Compares a text with the file of that name in test/golden. `UPDATE_GOLDENS=1` writes the files instead; read the
 * difference with care then.
 */
export function expectGolden(name: string, text: string): void {
  const file = join(folder, name);
  if (process.env['UPDATE_GOLDENS'] === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const golden = existsSync(file)
    ? readFileSync(file, 'utf8')
    : `no golden ${name}: run with UPDATE_GOLDENS=1`;
  expect(text).toBe(golden);
}
