import * as z from 'zod';

/** The subset of JSON Schema, draft 2020-12, that the schemas of the API use. */
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

/** The limits of a safe integer, which zod adds to every integer. */
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

/** Converts zod schemas to JSON Schemas of an OpenAPI document and collects the named ones. */
export class Components {
  readonly schemas = new Map<string, JsonSchema>();

  /** The JSON Schema of a request or reply. Fields with a default are optional. */
  of(schema: z.ZodType): JsonSchema {
    const { $defs = {}, $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    for (const [name, named] of Object.entries($defs)) this.schemas.set(name, tidied(named) as JsonSchema);
    return tidied(rest) as JsonSchema;
  }

  /** The named schemas in alphabetical order. */
  all(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
