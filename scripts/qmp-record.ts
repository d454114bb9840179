/**
 * Records the description of a QEMU binary:
 *   schemas/qmp/<version>-<arch>.json   its QMP schema with names instead of numbers, one entry per line
 *   test/replies/<version>-<arch>.json  its other replies to the probe
 * Usage: node --import tsx scripts/qmp-record.ts BINARY…
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { probeReplies } from '../src/qemu/capabilities/probe.ts';
import { nameTypes } from '../src/qemu/qmp/schema.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

async function record(binary: string): Promise<void> {
  const { replies, schema } = await probeReplies(binary);
  const { major, minor } = replies.version.qemu;
  const name = `${major}.${minor}-${replies.arch}.json`;
  const lines = nameTypes(schema).map((entry) => JSON.stringify(entry));
  for (const folder of ['schemas/qmp', 'test/replies']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'schemas/qmp', name), `[\n${lines.join(',\n')}\n]\n`);
  writeFileSync(join(root, 'test/replies', name), `${JSON.stringify(replies, undefined, 1)}\n`);
  console.log(`${name}: ${schema.length} schema entries, ${replies.devices.length} devices`);
}

const binaries = process.argv.slice(2);
if (binaries.length === 0) {
  console.error('Usage: node --import tsx scripts/qmp-record.ts BINARY…');
  process.exitCode = 2;
}
for (const binary of binaries) await record(binary);
