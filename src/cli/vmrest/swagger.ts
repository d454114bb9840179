import * as z from 'zod';
import { version } from '../../core/version.ts';
import { mediaType, type Operation } from './operation.ts';
import { operations } from './operations.ts';
import { basePath } from './router.ts';
import { errorModel } from './schemas.ts';
import { vmrestVersion } from './version.ts';

/** The Swagger 2 document of the table of operations. */

type Json = Readonly<Record<string, unknown>>;

const descriptions = {
  200: 'Success',
  201: 'Created',
  204: 'Done',
  400: 'A parameter is not valid',
  401: 'The user name or the password is wrong',
  403: 'Not permitted',
  404: 'There is no such thing',
  406: 'The media type is not supported',
  409: 'The state of the machine or the network does not permit it',
  500: 'The server failed',
} as const;

/** What zod says and Swagger 2 does not know. */
const unknownWords = new Set(['$schema', 'additionalProperties', 'id']);
const safeLimits = new Set<unknown>([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);

function tidied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidied);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as Json)
      .filter(([, inner]) => !safeLimits.has(inner))
      .map(([key, inner]) => [key, key === 'properties' ? propertiesOf(inner as Json) : tidied(inner)])
      .filter(([key]) => !unknownWords.has(String(key))),
  );
}

/** Names of properties are kept, whatever they are. */
function propertiesOf(properties: Json): Json {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, tidied(schema)]));
}

/** The schema of a body, and the definitions that it needs, which are added to the others. */
function schemaOf(schema: z.ZodType, definitions: Map<string, unknown>): Json {
  const { definitions: named, ...rest } = z.toJSONSchema(schema, { target: 'draft-4', io: 'input' });
  for (const [name, each] of Object.entries(named ?? {})) definitions.set(name, tidied(each));
  return tidied(rest) as Json;
}

function parametersOf({ path, body }: Operation, definitions: Map<string, unknown>): Json[] {
  const names = [...path.matchAll(/\{([^}]+)\}/gu)].map(([, name = '']) => name);
  return [
    ...names.map((name) => ({ name, in: 'path', required: true, type: 'string' })),
    ...(body ? [{ name: 'body', in: 'body', required: true, schema: schemaOf(body, definitions) }] : []),
  ];
}

function responsesOf({ status, result, errors }: Operation, definitions: Map<string, unknown>): Json {
  const schema = schemaOf(errorModel, definitions);
  return {
    [status]: {
      description: descriptions[status],
      ...(result ? { schema: schemaOf(result, definitions) } : {}),
    },
    ...Object.fromEntries(
      [...errors, 500 as const].map((each) => [each, { description: descriptions[each], schema }]),
    ),
    default: { description: 'Another error', schema },
  };
}

function pathsOf(definitions: Map<string, unknown>): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [operationId, operation] of Object.entries<Operation>(operations)) {
    if (operation.old) continue;
    const { method, path, tag, summary } = operation;
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        operationId,
        tags: [tag],
        summary,
        security: [{ BasicAuth: [] }],
        parameters: parametersOf(operation, definitions),
        responses: responsesOf(operation, definitions),
      },
    };
  }
  return paths;
}

/** The document as it is served: JSON after a byte order mark, as that of VMware. */
export function swaggerText(): string {
  const definitions = new Map<string, unknown>();
  const paths = pathsOf(definitions);
  const document = {
    swagger: '2.0',
    info: {
      title: 'VMware Workstation REST API',
      version: vmrestVersion,
      description: `Served by Kame ${version}, not by VMware`,
    },
    basePath,
    schemes: ['http', 'https'],
    consumes: [mediaType],
    produces: [mediaType],
    securityDefinitions: { BasicAuth: { type: 'basic' } },
    tags: [...new Set(Object.values(operations).map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    definitions: Object.fromEntries([...definitions].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return `\u{feff}${JSON.stringify(document, undefined, 2)}\n`;
}
