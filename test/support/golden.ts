import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../golden/', import.meta.url));

/**
 * The file of that name in test/golden. With `UPDATE_GOLDENS=1` the file becomes `text` first; read the difference with
 * care then.
 */
export function golden(name: string, text: string): string {
  const file = join(folder, name);
  if (process.env['UPDATE_GOLDENS'] === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return existsSync(file) ? readFileSync(file, 'utf8') : `no golden ${name}: run with UPDATE_GOLDENS=1`;
}
