/** Writes docs/api.md from THE LIST of operations in src/api/operations.ts. With --check it only compares. */
import * as z from 'zod';
import type { JsonSchema } from '../src/api/json-schema.ts';
import { openApiDocument, type OpenApiOperation } from '../src/api/openapi.ts';
import type { Operation } from '../src/api/operation.ts';
import { operations } from '../src/api/operations.ts';
import { apiVersion, taskHeader } from '../src/api/protocol.ts';
import { version } from '../src/core/version.ts';
import { writeGenerated } from './generated-file.ts';

const document = openApiDocument(version);

const headings: Readonly<Record<string, string>> = {
  machines: 'Machines',
  snapshots: 'Snapshots',
  autoProtect: 'AutoProtect',
  disks: 'Disks',
  networks: 'Networks',
  nics: 'Network adapters',
  clipboard: 'Clipboard',
  images: 'Images',
  daemon: 'The daemon',
  web: 'The web desktop',
  tasks: 'Tasks',
  host: 'The host',
};

/** How an answer is delivered, in addition to its type. */
const answers: Readonly<Record<Operation['kind'], string>> = {
  json: '',
  task: '; a task',
  bytes: '',
  stream: ', as a stream',
  websocket: 'a WebSocket',
};

function describedBy({ path, method }: Operation): OpenApiOperation {
  const found = document.paths[`/${apiVersion}${path}`]?.[method.toLowerCase()];
  if (!found) throw new Error(`The document has no ${method} ${path}.`);
  return found;
}

const linkTo = (name: string) => `[${name}](#${name.toLowerCase()})`;

function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return linkTo(schema.$ref.split('/').at(-1) ?? '');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.type === 'array') return `array of ${typeOf(schema.items ?? {})}`;
  if (schema.properties) {
    const fields = Object.entries(schema.properties).map(([name, field]) => `${name}: ${typeOf(field)}`);
    return `{${fields.join(', ')}}`;
  }
  const { additionalProperties: values } = schema;
  if (typeof values === 'object' && Object.keys(values).length > 0) return `object of ${typeOf(values)}`;
  return schema.type === undefined ? 'any' : [schema.type].flat().join(' or ');
}

function takes(operation: Operation): string {
  if (operation.kind === 'websocket') {
    const id = operation.body && z.globalRegistry.get(operation.body)?.id;
    return id === undefined ? '' : `${linkTo(id)} as the first message`;
  }
  const { parameters = [], requestBody } = describedBy(operation);
  const query = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const parts = [
    ...(query.length === 0 ? [] : [`\`?${query.map((name) => `${name}=`).join('&')}\``]),
    ...Object.values(requestBody?.content ?? {}).map(({ schema }) => typeOf(schema)),
  ];
  return parts.join(', ');
}

function gives(operation: Operation): string {
  const [answer] = Object.entries(describedBy(operation).responses['200']?.content ?? {});
  const shape = answer?.[0] === 'application/json' ? typeOf(answer[1].schema) : answer?.[0];
  const isLines = operation.kind === 'stream' && operation.result !== undefined;
  const whole = isLines ? `${shape} of ${typeOf(answer?.[1].schema ?? {})}` : (shape ?? '');
  return `${whole}${answers[operation.kind]}`;
}

/** The command line for the example of an operation. */
function exampleOf(operation: Operation): string | undefined {
  const { example, kind, method, path } = operation;
  if (!example || kind === 'websocket') return undefined;
  const { parameters = [] } = describedBy(operation);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_braces, name: string) =>
    encodeURIComponent(String(parameters.find((parameter) => parameter.name === name)?.example ?? name)),
  );
  const query = Object.entries(example.query ?? {}).map(([name, value]) => ` --query ${name}=${value}`);
  const data = example.body ? ` --data '${JSON.stringify(example.body)}'` : '';
  return `kame api ${method} ${filled}${query.join('')}${data}`;
}

function detail([name, operation]: [string, Operation]): string {
  const { summary, description, method, path } = operation;
  const { parameters = [] } = describedBy(operation);
  const query = parameters
    .filter((parameter) => parameter.in === 'query')
    .map(
      ({ name: field, description: about, schema }) =>
        `- \`${field}\`: ${typeOf(schema)}. ${about ?? ''}${schema.default === undefined ? '' : `. Default ${JSON.stringify(schema.default)}`}`,
    );
  const example = exampleOf(operation);
  const parts = [
    `#### ${name}`,
    `\`${method} ${path}\`: ${summary}.${description === undefined ? '' : ` ${description}`}`,
    ...(query.length === 0 ? [] : [query.join('\n')]),
    ...(example === undefined ? [] : [`\`\`\`sh\n${example}\n\`\`\``]),
  ];
  return parts.join('\n\n');
}

function group(resource: string, all: readonly [string, Operation][]): string {
  const rows = all.map(
    ([name, operation]) =>
      `| ${operation.method} | \`${operation.path}\` | [${name}](#${name.toLowerCase().replace('.', '')}) | ${takes(operation)} | ${gives(operation)} | ${operation.role}${operation.byMachine ? ' *' : ''} |`,
  );
  return `### ${headings[resource] ?? resource}

| method | path | operation | takes | gives | role |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

${all.map(detail).join('\n\n')}
`;
}

function shape(name: string, schema: JsonSchema): string {
  if (!schema.properties) {
    const about = schema.description === undefined ? '' : `${schema.description}. `;
    return `### ${name}\n\n${about}${typeOf(schema)}\n`;
  }
  const rows = Object.entries(schema.properties).map(([field, property]) => {
    const optional = schema.required?.includes(field) ? '' : ' (optional)';
    const fallback = property.default === undefined ? '' : `Default ${JSON.stringify(property.default)}. `;
    return `| \`${field}\`${optional} | ${typeOf(property)} | ${fallback}${property.description ?? ''} |`;
  });
  return `### ${name}\n\n| field | type | what |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function page(): string {
  const grouped = new Map<string, [string, Operation][]>();
  for (const entry of Object.entries<Operation>(operations)) {
    const resource = entry[0].slice(0, entry[0].indexOf('.'));
    grouped.set(resource, [...(grouped.get(resource) ?? []), entry]);
  }
  const groups = [...grouped].map(([resource, all]) => group(resource, all));
  const shapes = Object.entries(document.components.schemas).map(([name, schema]) => shape(name, schema));
  return `<!-- Generated by scripts/api-doc.ts from src/api. Do not edit: run \`npm run generate\`. -->

# The API

The daemon serves HTTP on the Unix socket \`kamed.sock\` in the home directory. Only the owner of the directory can open
it. The command line prints these shapes with \`--json\`, and \`kame api\` calls any operation. All paths begin with
\`/${apiVersion}\`. To refer to a machine, use its name, its id or the path of its \`.vmx\`; to a snapshot, its label, its path
such as \`/a/b\`, or \`#\` and its uid; to a disk, its slot or its file name. Percent-encode all of them.

\`GET /${apiVersion}/openapi.json\` returns an OpenAPI 3.1 description of the API, which is also in [openapi.json](openapi.json).
Programs in TypeScript and JavaScript can use [the SDK](sdk.md).

A request without a body takes the default of every field. An error has the HTTP status of its code (see
[errors.md](errors.md)) and the shape ${linkTo('ErrorBody')}.

A task is a long operation. It returns its result when it has ended. With \`Accept: application/x-ndjson\` it returns one JSON
object per line: \`{"type": "progress", "progress": …}\` any number of times, then \`{"type": "result", "result": …}\`
or \`{"type": "error", "error": …}\`. Closing the connection cancels the task. To cancel it and still receive the outcome, give
it a UUID in the header \`${taskHeader}\` and send \`DELETE /tasks/UUID\`: the task then returns the error CANCELLED, and
everything is as before. If the task was past the point of no return, it returns its result instead.

\`\`\`sh
kame api GET /machines
curl --unix-socket ~/.kame/kamed.sock http://kame/${apiVersion}/machines
\`\`\`

## Operations

${groups.join('\n')}
## Shapes

${shapes.join('\n')}`;
}

await writeGenerated('docs/api.md', page());
