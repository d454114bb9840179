import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { recordedSchema } from '../../../test/support/plan-inputs.ts';
import { generateProtocol, newestSchema, parseUses } from './generate.ts';
import { nameTypes, pascal, type Schema } from './schema.ts';

const masked: Schema = [
  { name: 'thing-add', 'meta-type': 'command', 'arg-type': '7', 'ret-type': '0' },
  { name: 'query-thing', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '[7]' },
  { name: 'x-thing', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0', features: ['unstable'] },
  { name: 'THING_GONE', 'meta-type': 'event', 'arg-type': '9' },
  { name: '0', 'meta-type': 'object', members: [] },
  {
    name: '7',
    'meta-type': 'object',
    tag: 'kind',
    members: [
      { name: 'kind', type: '8' },
      { name: 'size', type: 'int', default: null },
      { name: 'x-raw', type: 'any', features: ['unstable'] },
      { name: 'old', type: 'str', default: null, features: ['deprecated'] },
    ],
    variants: [{ case: 'big', type: '10' }],
  },
  { name: '[7]', 'meta-type': 'array', 'element-type': '7' },
  { name: '8', 'meta-type': 'enum', members: [{ name: 'big' }, { name: 'small' }], values: ['big', 'small'] },
  { name: '9', 'meta-type': 'object', members: [{ name: 'what', type: '11' }] },
  { name: '10', 'meta-type': 'object', members: [{ name: 'width', type: 'int' }] },
  { name: '11', 'meta-type': 'alternate', members: [{ type: 'str' }, { type: 'int' }] },
  { name: 'int', 'meta-type': 'builtin', 'json-type': 'int' },
  { name: 'str', 'meta-type': 'builtin', 'json-type': 'string' },
  { name: 'any', 'meta-type': 'builtin', 'json-type': 'value' },
];

describe('names of types', () => {
  it('are made of words', () => {
    expect(pascal('blockdev-add')).toBe('BlockdevAdd');
    expect(pascal('BLOCK_JOB_READY')).toBe('BlockJobReady');
    expect(pascal('node-name')).toBe('NodeName');
  });

  it('are the shortest path to a type', () => {
    const named = nameTypes(masked);
    const find = (name: string): unknown => named.find((entry) => entry.name === name);
    expect(find('thing-add')).toMatchObject({ 'arg-type': 'ThingAddArguments', 'ret-type': 'Empty' });
    expect(find('query-thing')).toMatchObject({ 'ret-type': '[ThingAddArguments]' });
    expect(find('THING_GONE')).toMatchObject({ 'arg-type': 'ThingGoneEventData' });
    expect(find('ThingAddArguments')).toMatchObject({
      variants: [{ case: 'big', type: 'ThingAddArgumentsBig' }],
    });
    expect(find('7')).toBeUndefined();
  });

  it('do not depend on the numbers', () => {
    const renumbered = JSON.parse(
      JSON.stringify(masked).replaceAll(
        /"(\[?)(\d+)(\]?)"/g,
        (_all, open: string, digits: string, close: string) => {
          return `"${open}${Number(digits) + 100}${close}"`;
        },
      ),
    ) as Schema;
    expect(nameTypes(renumbered)).toEqual(nameTypes(masked));
  });

  it('do not change in recorded schemas', () => {
    const schema = recordedSchema('10.0', 'x86_64');
    expect(nameTypes(schema)).toEqual(schema);
  });
});

describe('the generated protocol', () => {
  it('has the members, variants and notes of the schema, without unstable ones', () => {
    const text = generateProtocol(masked, {
      names: ['thing-add', 'query-thing', 'THING_GONE'],
      unstable: new Set(),
    });
    expect(text).toContain('"thing-add": { arguments: ThingAddArguments; result: Record<string, never> };');
    expect(text).toContain(
      '"query-thing": { arguments: Record<string, never>; result: ReadonlyArray<ThingAddArguments> };',
    );
    expect(text).toContain('THING_GONE: ThingGoneEventData;');
    expect(text).toContain('  size?: number;\n  /** @deprecated */ old?: string;');
    expect(text).toContain('| ({ kind: "big" } & ThingAddArgumentsBig)\n  | { kind: "small" }');
    expect(text).toContain('type ThingGoneEventDataWhat = string | number;');
    expect(text).not.toContain('x-raw');
  });

  it('has an unstable member that is listed', () => {
    const uses = parseUses('thing-add # why\n\nunstable x-raw  # because\n');
    expect(uses).toEqual({ names: ['thing-add'], unstable: new Set(['x-raw']) });
    expect(generateProtocol(masked, uses)).toContain('"x-raw": unknown;');
  });

  it('fails if a name is not in the schema', () => {
    expect(() => generateProtocol(masked, { names: ['no-such'], unstable: new Set() })).toThrow('no-such');
  });

  it('comes from the newest schema', () => {
    expect(newestSchema(['7.2-x86_64.json', '10.0-aarch64.json', '10.0-x86_64.json', 'README.md'])).toBe(
      '10.0-x86_64.json',
    );
    expect(newestSchema([])).toBeUndefined();
  });

  it('is up to date', () => {
    const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
    const newest = newestSchema(readdirSync(at('../../../schemas/qmp'))) ?? '';
    const schema = JSON.parse(readFileSync(at(`../../../schemas/qmp/${newest}`), 'utf8')) as Schema;
    const uses = parseUses(readFileSync(at('uses.txt'), 'utf8'));
    expect(readFileSync(at('generated/protocol.ts'), 'utf8')).toBe(generateProtocol(schema, uses));
  });

  it('exists in every recorded version, except what the table of flags checks', () => {
    const uses = parseUses(readFileSync(fileURLToPath(new URL('uses.txt', import.meta.url)), 'utf8'));
    for (const version of ['7.2', '10.0'] as const) {
      for (const arch of ['aarch64', 'x86_64'] as const) {
        const roots = new Set(recordedSchema(version, arch).map((entry) => entry.name));
        expect(uses.names.filter((name) => !roots.has(name))).toEqual([]);
      }
    }
  });
});
