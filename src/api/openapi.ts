import type * as z from 'zod';
import { Components, refTo, type JsonSchema } from './json-schema.ts';
import { errorBody } from './messages.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';
import { apiVersion, ndjson, taskHeader } from './protocol.ts';
import { parametersOf } from './route.ts';

export interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
  readonly example?: string | boolean;
}

interface Content {
  readonly schema: JsonSchema;
  readonly example?: unknown;
}
type ByContentType = Readonly<Record<string, Content>>;

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: ByContentType };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: ByContentType }>
  >;
  /** The kind of its reply: see docs/api.md. */
  readonly 'x-kame-kind': Operation['kind'];
  /** The least role of a user of the web desktop who may use it. */
  readonly 'x-kame-role': Operation['role'];
}

/** The subset of an OpenAPI 3.1 document that this API uses. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

function parametersIn(
  where: 'path' | 'query',
  schema: z.ZodObject | undefined,
  components: Components,
  examples: Readonly<Record<string, string>> = {},
): OpenApiParameter[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = components.of(schema);
  return Object.entries(properties).map(([name, { description, examples: own, ...rest }]) => {
    const example = examples[name] ?? own?.[0];
    return {
      name,
      in: where,
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
      ...(example === undefined ? {} : { example: rest.type === 'boolean' ? example === 'true' : example }),
    };
  });
}

const taskParameter: OpenApiParameter = {
  name: taskHeader,
  in: 'header',
  required: false,
  description: 'A UUID chosen by the client, to cancel the task with `DELETE /tasks/{task}`',
  schema: { type: 'string', format: 'uuid' },
};

/** A line of the NDJSON reply of a task. */
function taskLine(result: JsonSchema): JsonSchema {
  const line = (type: string, value: JsonSchema): JsonSchema => ({
    type: 'object',
    properties: { type: { const: type }, [type]: value },
    required: ['type', type],
  });
  return {
    anyOf: [
      line('progress', refTo('ProgressReport')),
      line('result', result),
      line('error', refTo('ErrorBody')),
    ],
  };
}

function answerOf(operation: Operation, components: Components): [status: string, ByContentType | undefined] {
  const { kind } = operation;
  if (kind === 'bytes') return ['200', { [operation.contentType]: { schema: {} } }];
  if (kind === 'stream') {
    const schema = operation.result ? components.of(operation.result) : { type: 'string' };
    return ['200', { [operation.contentType]: { schema } }];
  }
  if (kind === 'websocket') {
    // Its messages are not an HTTP reply, but the document must contain their shape.
    for (const message of [operation.control, operation.result]) if (message) components.of(message);
    return ['101', undefined];
  }
  const schema = components.of(operation.result);
  if (kind === 'json') return ['200', { 'application/json': { schema } }];
  return ['200', { 'application/json': { schema }, [ndjson]: { schema: taskLine(schema) } }];
}

const statusTexts = { '101': 'The connection switches to a WebSocket', '200': 'Success' } as const;

function describeOperation(name: string, operation: Operation, components: Components): OpenApiOperation {
  const { summary, description, kind, role, params, query, body, example } = operation;
  const [status, content] = answerOf(operation, components);
  const parameters = [
    ...parametersIn('path', params, components),
    ...parametersIn('query', query, components, example?.query),
    ...(kind === 'task' ? [taskParameter] : []),
  ];
  // The first message of a WebSocket is not a body, but the document must contain its shape.
  const bodySchema = body && components.of(body);
  const requestBody = kind !== 'websocket' &&
    bodySchema && {
      required: !body.safeParse({}).success,
      content: {
        'application/json': {
          schema: bodySchema,
          ...(example?.body ? { example: example.body } : {}),
        },
      },
    };
  return {
    operationId: name,
    tags: [name.slice(0, name.indexOf('.'))],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody ? { requestBody } : {}),
    responses: {
      [status]: {
        description: status === '101' ? statusTexts['101'] : statusTexts['200'],
        ...(content ? { content } : {}),
      },
      default: {
        description: 'An error. Its code determines the HTTP status',
        content: { 'application/json': { schema: components.of(errorBody) } },
      },
    },
    'x-kame-kind': kind,
    'x-kame-role': role,
  };
}

/** The OpenAPI 3.1 document of the API, generated from THE LIST. */
export function openApiDocument(version: string): OpenApiDocument {
  const components = new Components();
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const [name, operation] of Object.entries<Operation>(operations)) {
    checkParameters(name, operation);
    const path = `/${apiVersion}${operation.path}`;
    paths[path] = {
      ...paths[path],
      [operation.method.toLowerCase()]: describeOperation(name, operation, components),
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Kame',
      version,
      description:
        'The API of the Kame daemon, served on the Unix socket kamed.sock in the home directory. Only the owner of the directory can open it.',
      license: { name: 'Apache 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://kame', description: 'The Unix socket; the host name is ignored.' }],
    paths,
    components: { schemas: components.all() },
  };
}

/** @throws TypeError if the path and the schema of an operation name different parameters */
function checkParameters(name: string, { path, params }: Operation): void {
  const named = parametersOf(path).join();
  const described = Object.keys(params?.shape ?? {}).join();
  if (named !== described) throw new TypeError(`${name}: its path names ${named}, its schema ${described}.`);
}
