import type { Command } from '@commander-js/extra-typings';
import type { Calls } from '../../api/generated/routes.ts';
import type { RequestParts } from '../../client/core/connection.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { readFileCapped } from '../../sys/files.ts';
import { findRoute, namedRoutes, nearestRoute, type NamedRoute, type RouteMatch } from '../api-routes.ts';
import { cappedText } from '../capped-text.ts';
import { collect, examples, jsonShape, keyValue } from '../options.ts';
import type { Session } from '../session.ts';
import { writeAll } from '../write-all.ts';

/** The largest body that the daemon accepts, in bytes. */
const maxBody = 4 * 1024 * 1024;

interface ApiOptions {
  readonly data?: string | undefined;
  readonly query?: string[] | undefined;
}

function listRoutes(session: Session): void {
  if (session.json) {
    session.printJson(
      namedRoutes.map(({ name, method, path, kind, takes, summary }) => ({
        name,
        method,
        path,
        kind,
        takes: takes ?? null,
        summary,
      })),
    );
    return;
  }
  session.printTable(
    ['METHOD', 'PATH', 'OPERATION', 'SUMMARY'],
    namedRoutes.map(({ name, method, path, summary }) => [method, path, name, summary]),
  );
}

/** @throws KameError USAGE if the request has no route */
function routeOf(method: string, path: string): RouteMatch {
  const match = findRoute(method, path);
  if (match) return match;
  const nearest = nearestRoute(method, path);
  const hint = nearest ? `Did you mean ${nearest.method} ${nearest.path}? ` : '';
  throw new KameError('USAGE', `The API has no ${method} ${path}.`, {
    next: `${hint}\`kame api\` lists all operations.`,
  });
}

async function dataOf(session: Session, data: string): Promise<unknown> {
  const from = data === '-' ? 'Standard input' : data.startsWith('@') ? data.slice(1) : '--data';
  const text =
    data === '-'
      ? await cappedText(session.context.stdin, from, maxBody)
      : data.startsWith('@')
        ? (await readFileCapped(session.path(data.slice(1)), maxBody)).toString('utf8')
        : data;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new KameError('USAGE', `${from} is not JSON: ${messageOf(error)}`, {
      next: `Quote it for the shell: --data '{"wait": "boot"}'. Use --data @FILE to read a file, --data - for standard input.`,
      cause: error,
    });
  }
}

/** Merges the query in a path with --query. */
function queryOf(inPath: string, given: readonly string[] = []): Record<string, string> {
  const pairs = given.map((text) => keyValue(text, '--query'));
  return {
    ...Object.fromEntries(new URLSearchParams(inPath)),
    ...Object.fromEntries(pairs.map(({ key, value }) => [key, value])),
  };
}

/** @throws KameError USAGE for a body or query that the operation does not take */
async function requestOf(
  session: Session,
  { route, params }: RouteMatch,
  inPath: string,
  { data, query: given }: ApiOptions,
): Promise<RequestParts> {
  const query = queryOf(inPath, given);
  const what = `${route.method} ${route.path}`;
  if (data !== undefined && route.takes !== 'body')
    throw new KameError('USAGE', `${what} does not take --data.`);
  if (Object.keys(query).length > 0 && route.takes !== 'query')
    throw new KameError('USAGE', `${what} does not take a query.`);
  return { params, query, ...(data === undefined ? {} : { body: await dataOf(session, data) }) };
}

/** @throws KameError USAGE for an operation that cannot be called from the command line */
function refuse(session: Session, { kind, method, path, name, contentType }: NamedRoute): void {
  if (kind === 'websocket') {
    throw new KameError('USAGE', `${method} ${path} is a WebSocket.`, {
      next: `Use \`kame ${name.split('.')[1] ?? ''}\`.`,
    });
  }
  if (kind === 'bytes' && session.context.stdout.isTTY === true) {
    throw new KameError('USAGE', `${method} ${path} returns ${contentType}, which a terminal cannot show.`, {
      next: 'Redirect it to a file: kame api … > FILE',
    });
  }
}

async function printStream(session: Session, lines: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const line of lines) {
      if (line instanceof Uint8Array) await writeAll(session.context.stdout, line);
      else session.printJsonLine(line);
    }
  } catch (error) {
    // Ctrl-C is the normal way to stop following.
    if (!(session.cancelled && error instanceof KameError && error.code === 'CANCELLED')) throw error;
  }
}

async function call(session: Session, { name, kind }: NamedRoute, request: RequestParts): Promise<void> {
  // The daemon validates the request; its reply is printed unchanged.
  const send = (options: object): unknown => session.client.call(name as keyof Calls, request, options);
  const { signal } = session;
  if (kind === 'stream') await printStream(session, send({ signal }) as AsyncIterable<unknown>);
  else if (kind === 'bytes') await writeAll(session.context.stdout, (await send({ signal })) as Uint8Array);
  else if (kind === 'json') session.printJson(await send({ signal }));
  else session.printJson(await session.task(name, async (options) => await send(options)));
}

export function define(program: Command, session: Session): void {
  program
    .command('api')
    .description(
      'Calls any operation of the API and prints its JSON reply. Without arguments, lists all operations. See docs/api.md.',
    )
    .argument('[method]', 'GET, POST, PUT, PATCH or DELETE')
    .argument(
      '[operation-path]',
      'path of the operation, such as /machines/demo/start; encode names in it with percent signs',
    )
    .option('--data <json>', 'request body: JSON, @FILE for a file, or - for standard input')
    .option('--query <key=value>', 'query parameter; may be repeated', collect)
    .option('--json', jsonShape('the result of the operation; without arguments an array of operations'))
    .addHelpText(
      'after',
      examples(
        'kame api',
        'kame api GET /machines/demo',
        `kame api POST /machines/demo/start --data '{"wait": "boot"}'`,
        'kame api GET /machines/demo/logs --query follow=true',
      ),
    )
    .action(async (method, path, options) => {
      if (method === undefined) {
        listRoutes(session);
        return;
      }
      if (path === undefined) {
        throw new KameError('USAGE', 'The path of the operation is missing.', {
          next: '`kame api` lists all operations.',
        });
      }
      const [barePath = '', inPath = ''] = path.split('?', 2);
      const match = routeOf(method.toUpperCase(), barePath);
      refuse(session, match.route);
      await call(session, match.route, await requestOf(session, match, inPath, options));
    });
}
