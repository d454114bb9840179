/**
 * Writes src/qemu/qmp/generated/protocol.ts from the newest recorded schema and uses.txt.
 * With --check, only compares the file, and fails if it differs.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateProtocol, newestSchema, parseUses } from '../src/qemu/qmp/generate.ts';
import type { Schema } from '../src/qemu/qmp/schema.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'schemas/qmp');
const target = join(root, 'src/qemu/qmp/generated/protocol.ts');

const newest = newestSchema(readdirSync(folder));
if (newest === undefined)
  throw new Error(`${folder} contains no schema; record one with scripts/qmp-record.ts`);
const schema = JSON.parse(readFileSync(join(folder, newest), 'utf8')) as Schema;
const text = generateProtocol(schema, parseUses(readFileSync(join(root, 'src/qemu/qmp/uses.txt'), 'utf8')));

if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (readFileSync(target, 'utf8') !== text) {
  console.error(
    'src/qemu/qmp/generated/protocol.ts is stale: run `node --import tsx scripts/qmp-generate.ts`',
  );
  process.exitCode = 1;
}
