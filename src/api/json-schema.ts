import * as z from 'zod';

/** A JSON Schema of draft 2020-12, as far as the schemas of the API need it. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly examples?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly required?: readonly string[];
}

const inSchema = '#/$defs/';
const inDocument = '#/components/schemas/';

/** A reference to a named schema of the document. */
export function refTo(name: string): JsonSchema {
  return { $ref: `${inDocument}${name}` };
}

/** What zod says of every integer, and nobody wants to read. */
function isSafeLimit(key: string, value: unknown): boolean {
  return (
    (key === 'maximum' && value === Number.MAX_SAFE_INTEGER) ||
    (key === 'minimum' && value === Number.MIN_SAFE_INTEGER)
  );
}

function tidied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidied);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !isSafeLimit(key, inner))
      .map(([key, inner]) => [
        key,
        key === '$ref' && typeof inner === 'string' ? inner.replace(inSchema, inDocument) : tidied(inner),
      ]),
  );
}

/** Turns schemas into JSON Schemas of an OpenAPI document; those with a name are kept in one place. */
export class Components {
  readonly schemas = new Map<string, JsonSchema>();

  /** The JSON Schema of what is sent: what has a default may be missing. */
  of(schema: z.ZodType): JsonSchema {
    const { $defs = {}, $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    for (const [name, named] of Object.entries($defs)) this.schemas.set(name, tidied(named) as JsonSchema);
    return tidied(rest) as JsonSchema;
  }

  /** The document's part, in the order of the alphabet. */
  all(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
