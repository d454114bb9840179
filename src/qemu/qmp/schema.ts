/**
 * The reply to `query-qmp-schema` has one entry for each command, event and type. QEMU replaces the names of types with
 * numbers that differ between versions; `nameTypes` replaces these with the shortest path to a type, so that recorded
 * schemas can be compared. Format: qapi/introspect.json in QEMU.
 */
export interface SchemaMember {
  readonly name: string;
  readonly type: string;
  /** Present (usually null) if the member is optional. */
  readonly default?: unknown;
  readonly features?: readonly string[];
}

export interface SchemaEntry {
  readonly name: string;
  readonly 'meta-type': 'builtin' | 'enum' | 'array' | 'object' | 'alternate' | 'command' | 'event';
  readonly 'json-type'?: string;
  readonly 'arg-type'?: string;
  readonly 'ret-type'?: string;
  readonly 'element-type'?: string;
  readonly values?: readonly string[];
  /** For an object or an alternate: typed members. For an enum: names with features. */
  readonly members?: ReadonlyArray<Partial<SchemaMember>>;
  readonly tag?: string;
  readonly variants?: ReadonlyArray<{ readonly case: string; readonly type: string }>;
  readonly features?: readonly string[];
}

export type Schema = readonly SchemaEntry[];

/** Finds types by name, and commands and events by name, in two separate name spaces. */
export class SchemaIndex {
  readonly #types = new Map<string, SchemaEntry>();
  readonly #roots = new Map<string, SchemaEntry>();

  constructor(schema: Schema) {
    for (const entry of schema) {
      const meta = entry['meta-type'];
      (meta === 'command' || meta === 'event' ? this.#roots : this.#types).set(entry.name, entry);
    }
  }

  type(name: string): SchemaEntry | undefined {
    return this.#types.get(name);
  }

  root(name: string): SchemaEntry | undefined {
    return this.#roots.get(name);
  }

  rootNames(): string[] {
    return [...this.#roots.keys()].sort();
  }
}

/** `blockdev-add` to `BlockdevAdd`, `BLOCK_JOB_READY` to `BlockJobReady`. */
export function pascal(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => (word === word.toUpperCase() ? word.toLowerCase() : word))
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join('');
}

/** The types that a type refers to, and a name for each, in the order in which they are visited. */
function children(entry: SchemaEntry, base: string): Array<[type: string, name: string]> {
  if (entry['meta-type'] === 'array') return [[entry['element-type'] ?? '', `${base}Item`]];
  const members = entry['meta-type'] === 'enum' ? [] : (entry.members ?? []);
  const named = members.map((member, at): [string, string] => {
    return [member.type ?? '', `${base}${member.name === undefined ? `Choice${at}` : pascal(member.name)}`];
  });
  const variants = (entry.variants ?? []).map((variant): [string, string] => {
    return [variant.type, `${base}${pascal(variant.case)}`];
  });
  return [...named, ...variants];
}

function rootTypes(entry: SchemaEntry): Array<[type: string, name: string]> {
  const base = pascal(entry.name);
  if (entry['meta-type'] === 'event') return [[entry['arg-type'] ?? '', `${base}EventData`]];
  return [
    [entry['arg-type'] ?? '', `${base}Arguments`],
    [entry['ret-type'] ?? '', `${base}Result`],
  ];
}

function isEmptyObject(entry: SchemaEntry): boolean {
  return (
    entry['meta-type'] === 'object' &&
    (entry.members ?? []).length === 0 &&
    (entry.variants ?? []).length === 0
  );
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let count = 2; taken.has(name); count += 1) name = `${wanted}${count}`;
  return name;
}

/**
 * Names every type that the listed commands and events refer to: breadth first in alphabetical order, so that a type is
 * named after the shortest path to it.
 */
function typeNames(index: SchemaIndex, roots: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>(['Empty']);
  const queue = roots.flatMap((root) => {
    const entry = index.root(root);
    return entry ? rootTypes(entry) : [];
  });
  for (let at = 0; at < queue.length; at += 1) {
    const [type, wanted] = queue[at] as [string, string];
    const entry = index.type(type);
    if (!entry || names.has(type)) continue;
    const meta = entry['meta-type'];
    if (meta === 'builtin') names.set(type, type);
    else if (meta === 'array') names.set(type, `[${wanted}Item]`);
    else names.set(type, isEmptyObject(entry) ? 'Empty' : freeName(wanted, taken));
    taken.add(names.get(type) as string);
    queue.push(...children(entry, wanted));
  }
  return settleArrays(index, names);
}

/** Names an array after its element, whatever path led to the element first. */
function settleArrays(index: SchemaIndex, names: Map<string, string>): Map<string, string> {
  const settle = (type: string): string => {
    const element =
      index.type(type)?.['meta-type'] === 'array' ? index.type(type)?.['element-type'] : undefined;
    return element === undefined ? (names.get(type) ?? type) : `[${settle(element)}]`;
  };
  return new Map([...names.keys()].map((type) => [type, settle(type)]));
}

function rename(entry: SchemaEntry, names: ReadonlyMap<string, string>): SchemaEntry {
  const of = (type: string): string => names.get(type) ?? type;
  const isEnum = entry['meta-type'] === 'enum';
  const isRoot = entry['meta-type'] === 'command' || entry['meta-type'] === 'event';
  return {
    name: isRoot ? entry.name : of(entry.name),
    'meta-type': entry['meta-type'],
    ...(entry.features ? { features: entry.features } : {}),
    ...(entry['json-type'] ? { 'json-type': entry['json-type'] } : {}),
    ...(entry['arg-type'] ? { 'arg-type': of(entry['arg-type']) } : {}),
    ...(entry['ret-type'] ? { 'ret-type': of(entry['ret-type']) } : {}),
    ...(entry['element-type'] ? { 'element-type': of(entry['element-type']) } : {}),
    ...(entry.tag ? { tag: entry.tag } : {}),
    ...(entry.members
      ? {
          members: isEnum
            ? entry.members
            : entry.members.map((member) => ({
                ...member,
                ...(member.type ? { type: of(member.type) } : {}),
              })),
        }
      : {}),
    ...(entry.variants
      ? { variants: entry.variants.map((one) => ({ case: one.case, type: of(one.type) })) }
      : {}),
    // `values` repeats the names of the members of an enum for old clients.
    ...(entry.values && !entry.members ? { values: entry.values } : {}),
  };
}

/**
 * The schema with names instead of numbers, sorted: only the listed commands and events (by default all), and the types
 * they refer to.
 */
export function nameTypes(schema: Schema, roots?: readonly string[]): SchemaEntry[] {
  const index = new SchemaIndex(schema);
  const wanted = [...(roots ?? index.rootNames())].sort();
  const names = typeNames(index, wanted);
  const unique = new Map<string, SchemaEntry>();
  for (const root of wanted) {
    const entry = index.root(root);
    if (entry) unique.set(`root ${entry.name}`, rename(entry, names));
  }
  for (const type of names.keys()) {
    const entry = index.type(type);
    if (entry) unique.set(`type ${names.get(type)}`, rename(entry, names));
  }
  const order = (entry: SchemaEntry): string => `${entry['meta-type']} ${entry.name}`;
  return [...unique.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
