import { SchemaIndex, type Schema, type SchemaEntry } from '../../src/qemu/qmp/schema.ts';

/** What is wrong with a value, each with the path to it. Empty when it fits. */
export type Problems = string[];

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const jsonTypes: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  int: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  null: (value) => value === null,
  value: () => true,
};

class Validator {
  readonly #index: SchemaIndex;

  constructor(schema: Schema) {
    this.#index = new SchemaIndex(schema);
  }

  arguments(command: string, value: object): Problems {
    const entry = this.#index.root(command);
    if (entry?.['meta-type'] !== 'command') return [`no command ${command}`];
    return this.#check(entry['arg-type'] ?? '', value, command);
  }

  #check(typeName: string, value: unknown, path: string): Problems {
    const type = this.#index.type(typeName);
    if (!type) return [`${path}: unknown type ${typeName}`];
    switch (type['meta-type']) {
      case 'builtin': {
        const fits = jsonTypes[type['json-type'] ?? '']?.(value) ?? false;
        return fits ? [] : [`${path}: ${JSON.stringify(value)} is not of type ${type['json-type']}`];
      }
      case 'enum': {
        const values = (type.members ?? []).map((member) => member.name);
        return values.includes(value as string)
          ? []
          : [`${path}: ${JSON.stringify(value)} is not one of ${values.join(' ')}`];
      }
      case 'array':
        if (!Array.isArray(value)) return [`${path}: no array`];
        return value.flatMap((one, at) => this.#check(type['element-type'] ?? '', one, `${path}[${at}]`));
      case 'alternate': {
        const all = (type.members ?? []).map((member) => this.#check(member.type ?? '', value, path));
        return all.some((problems) => problems.length === 0) ? [] : (all.at(-1) ?? []);
      }
      default:
        return this.#object(type, value, path);
    }
  }

  #object(type: SchemaEntry, value: unknown, path: string): Problems {
    if (!isObject(value)) return [`${path}: no object`];
    const known = new Map(this.#membersFor(type, value));
    const missing = [...known.values()]
      .filter((member) => !('default' in member) && !Object.hasOwn(value, member.name ?? ''))
      .map((member) => `${path}: ${member.name} is missing`);
    const wrong = Object.entries(value).flatMap(([name, inner]) => {
      const member = known.get(name);
      return member
        ? this.#check(member.type ?? '', inner, `${path}.${name}`)
        : [`${path}: ${name} is unknown`];
    });
    return [...missing, ...wrong];
  }

  #membersFor(
    type: SchemaEntry,
    value: Record<string, unknown>,
  ): Array<[string, NonNullable<SchemaEntry['members']>[number]]> {
    const own = (type.members ?? []).map((member): [string, typeof member] => [member.name ?? '', member]);
    const variant = (type.variants ?? []).find(
      (one) => type.tag !== undefined && value[type.tag] === one.case,
    );
    const inner = variant ? this.#index.type(variant.type) : undefined;
    return inner ? [...own, ...this.#membersFor(inner, value)] : own;
  }
}

const validators = new WeakMap<Schema, Validator>();

/** Checks the arguments of a command against a recorded schema. */
export function validateAgainstSchema(schema: Schema, command: string, value: object): Problems {
  const validator = validators.get(schema) ?? new Validator(schema);
  validators.set(schema, validator);
  return validator.arguments(command, value);
}
