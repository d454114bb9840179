/** Writes docs/api.md from the schemas in src/api. With --check it only compares. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { format, resolveConfig } from 'prettier';
import * as checkpoints from '../src/api/checkpoint.ts';
import * as machines from '../src/api/machine.ts';
import * as messages from '../src/api/messages.ts';
import { apiVersion, taskHeader } from '../src/api/paths.ts';

interface Property {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly anyOf?: readonly Property[];
  readonly items?: Property;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly additionalProperties?: Property | boolean;
  readonly required?: readonly string[];
  readonly $defs?: Readonly<Record<string, Property>>;
}

const routes: readonly (readonly [method: string, path: string, takes: string, gives: string])[] = [
  ['GET', '/daemon', '', 'DaemonStatus'],
  ['POST', '/daemon/stop', '', '`{ok: true}`; machines go on running'],
  ['GET', '/tasks', '', 'array of Task'],
  ['DELETE', '/tasks/UUID', '', '`{found: boolean}`: cancels it'],
  ['GET', '/events', '', 'NDJSON stream of Event'],
  ['POST', '/doctor', '`{fresh?}`', 'Doctor, long'],
  ['GET', '/machines', '', 'array of Machine'],
  ['POST', '/machines', 'CreateMachine', 'MachineDetails, long'],
  ['POST', '/machines/register', '`{path}`', 'MachineDetails'],
  ['GET', '/machines/NAME', '', 'MachineDetails'],
  ['PATCH', '/machines/NAME', '`{settings: [{key, value}]}`', 'MachineDetails'],
  ['DELETE', '/machines/NAME', '', '`{ok: true}`'],
  ['POST', '/machines/NAME/rename', '`{name}`', 'MachineDetails'],
  ['POST', '/machines/NAME/unregister', '', '`{ok: true}`'],
  ['GET', '/machines/NAME/plan', '', 'LaunchPlan'],
  ['POST', '/machines/NAME/start', 'StartMachine', 'StartedMachine, long'],
  ['POST', '/machines/NAME/stop', 'StopMachine', 'Machine, long'],
  ['POST', '/machines/NAME/restart', 'RestartMachine', 'StartedMachine, long'],
  ['POST', '/machines/NAME/pause', '', 'Machine'],
  ['POST', '/machines/NAME/unpause', '', 'Machine'],
  ['POST', '/machines/NAME/suspend', '', 'SuspendedMachine, long'],
  ['POST', '/machines/NAME/clone', 'CloneMachine', 'ClonedMachines, long'],
  ['GET', '/machines/NAME/snapshots', '', 'array of Snapshot, parents before their children'],
  ['POST', '/machines/NAME/snapshots', 'TakeSnapshot', 'TakenSnapshot, long'],
  ['GET', '/machines/NAME/snapshots/SNAPSHOT', '', 'SnapshotDetails'],
  ['PATCH', '/machines/NAME/snapshots/SNAPSHOT', 'EditSnapshot', 'Snapshot'],
  ['DELETE', '/machines/NAME/snapshots/SNAPSHOT', '`?children=true`', 'DeletedSnapshots, long'],
  ['POST', '/machines/NAME/snapshots/SNAPSHOT/revert', 'RevertSnapshot', 'RevertedMachine, long'],
  ['GET', '/machines/NAME/autoprotect', '', 'AutoProtect'],
  ['PUT', '/machines/NAME/autoprotect', 'SetAutoProtect', 'AutoProtect'],
  ['GET', '/machines/NAME/disks', '', 'array of MachineDisk'],
  ['POST', '/machines/NAME/disks', 'AddDisk', 'MachineDisk, long'],
  ['POST', '/machines/NAME/disks/check', 'CheckDisk', 'CheckedDisks of all disks, long'],
  ['POST', '/machines/NAME/disks/DISK/check', 'CheckDisk', 'CheckedDisks, long'],
  ['POST', '/machines/NAME/disks/DISK/grow', 'GrowDisk', 'MachineDisk, long'],
  ['POST', '/machines/NAME/disks/DISK/compact', '', 'CompactedDisk, long'],
  ['DELETE', '/machines/NAME/disks/DISK', '`?keepFile=true`', 'RemovedDisk'],
  ['GET', '/machines/NAME/addresses', '', 'Addresses'],
  ['GET', '/machines/NAME/screenshot', '', 'PNG'],
  ['GET', '/machines/NAME/logs', '`?follow=true&console=true`', 'text stream'],
  ['GET', '/machines/NAME/console', '', 'WebSocket: binary messages both ways'],
  ['GET', '/machines/NAME/exec', 'ExecRequest', 'WebSocket: see below'],
  ['GET', '/images', '', 'array of Image'],
  ['POST', '/images/pull', '`{image, arch?}`', 'Image, long'],
  ['POST', '/images/import', '`{path, name?}`', 'Image, long'],
  ['DELETE', '/images/ID', '`?arch=`', '`{ok: true}`'],
];

/** The schemas that have a name, in the order of the source. */
function namedSchemas(): Map<string, Property> {
  const named = new Map<string, Property>();
  for (const value of [machines, checkpoints, messages].flatMap(
    (module) => Object.values(module) as unknown[],
  )) {
    if (!(value instanceof z.ZodType)) continue;
    const id = z.globalRegistry.get(value)?.id;
    if (id === undefined) continue;
    // A schema with an id stands among the definitions, and the top only refers to it.
    const whole = z.toJSONSchema(value, { io: 'input' }) as Property;
    named.set(id, whole.$defs?.[id] ?? whole);
  }
  return named;
}

function typeOf(property: Property): string {
  if (property.$ref !== undefined) return property.$ref.split('/').at(-1) ?? '';
  if (property.const !== undefined) return JSON.stringify(property.const);
  if (property.enum) return property.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (property.anyOf) return property.anyOf.map(typeOf).join(' or ');
  if (property.type === 'array') return `array of ${typeOf(property.items ?? {})}`;
  if (property.properties) {
    const fields = Object.entries(property.properties).map(([name, field]) => `${name}: ${typeOf(field)}`);
    return `{${fields.join(', ')}}`;
  }
  if (typeof property.additionalProperties === 'object')
    return `object of ${typeOf(property.additionalProperties)}`;
  return property.type === undefined ? 'any' : [property.type].flat().join(' or ');
}

function section(id: string, schema: Property): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const optional = schema.required?.includes(name) ? '' : ' (optional)';
    const fallback = property.default === undefined ? '' : `Default ${JSON.stringify(property.default)}. `;
    return `| \`${name}\`${optional} | ${typeOf(property)} | ${fallback}${property.description ?? ''} |`;
  });
  return `### ${id}\n\n| field | type | what |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function page(): string {
  const table = routes.map(
    ([method, path, takes, gives]) => `| ${method} | \`${path}\` | ${takes} | ${gives} |`,
  );
  const schemas = [...namedSchemas()].map(([id, schema]) => section(id, schema));
  return `<!-- Generated by scripts/api-doc.ts from src/api. Do not edit: run \`npm run generate\`. -->

# The API

The daemon serves HTTP on the Unix socket \`kamed.sock\` in the home directory, which only its owner may open. The command
line prints these very shapes with \`--json\`. All paths begin with \`/${apiVersion}\`. A machine is named by its name, its id or
the path of its \`.vmx\`; a snapshot by its label, its path such as \`/a/b\`, or \`#\` and its uid; a disk by its slot or the
name of its file: all of them percent-encoded.

A long operation answers with its result when it has ended. With \`Accept: application/x-ndjson\` it answers with one JSON
object a line: \`{"type": "progress", "progress": …}\` any number of times, then \`{"type": "result", "result": …}\` or
\`{"type": "error", "error": …}\`. Closing the connection cancels it. To
cancel it and hear how it ended, give it a UUID by the header \`${taskHeader}\` and send \`DELETE /tasks/UUID\`: its answer is then an
error CANCELLED and all is as before, or its result, if it was past the point of return. An error has the HTTP status of its code (see
errors.md) and the shape Error.

\`\`\`
curl --unix-socket ~/.kame/kamed.sock http://kame/${apiVersion}/machines
\`\`\`

| method | path | takes | gives |
| --- | --- | --- | --- |
${table.join('\n')}

The exec WebSocket: the first message of the client is an ExecRequest as text. Then, if \`stdin\` is true, binary messages are
standard input, and an empty one ends it. The server sends \`{"type": "stdout" or "stderr", "data": base64}\`, and at the end
\`{"type": "exit", "exitCode", "signal"}\` or \`{"type": "error", "error"}\`.

## Shapes

${schemas.join('\n')}`;
}

const target = fileURLToPath(new URL('../docs/api.md', import.meta.url));
const text = await format(page(), { ...(await resolveConfig(target)), parser: 'markdown' });
if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (readFileSync(target, 'utf8') !== text) {
  console.error('docs/api.md is stale: run `npm run generate`');
  process.exitCode = 1;
}
