import type { SchemaEntry, SchemaIndex } from '../qmp/schema.ts';

/**
 * Takes one step from a type: `*name` an optional member, `name` any member, `+case` a variant, `^value` a value of an
 * enum, `[]` the element of an array.
 */
function step(index: SchemaIndex, from: SchemaEntry, word: string): SchemaEntry | true | undefined {
  if (word === '[]') return index.type(from['element-type'] ?? '');
  if (word.startsWith('^')) {
    const values = from.values ?? (from.members ?? []).map((member) => member.name);
    return values.includes(word.slice(1)) || undefined;
  }
  if (word.startsWith('+')) {
    const variant = (from.variants ?? []).find((one) => one.case === word.slice(1));
    return variant ? index.type(variant.type) : undefined;
  }
  const optional = word.startsWith('*');
  const name = optional ? word.slice(1) : word;
  const member = (from.members ?? []).find((one) => one.name === name);
  if (!member?.type || (optional && !('default' in member))) return undefined;
  return index.type(member.type);
}

/**
 * Whether a path exists in a schema, in the notation known from libvirt:
 * `command/arg-type/+variant/*optional/member/^enum value`, extended by `[]` for the element of an array.
 */
export function schemaHas(index: SchemaIndex, path: string): boolean {
  const [rootName = '', field, ...words] = path.split('/');
  const root = index.root(rootName);
  if (!root || field === undefined) return root !== undefined;
  if (field !== 'arg-type' && field !== 'ret-type') return false;
  let at: SchemaEntry | true | undefined = index.type(root[field] ?? '');
  for (const word of words) {
    if (at === undefined || at === true) return false;
    at = step(index, at, word);
  }
  return at !== undefined;
}
