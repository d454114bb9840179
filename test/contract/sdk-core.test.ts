import { fileURLToPath } from 'node:url';
import { build, type BuildResult } from 'esbuild';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import type * as Core from '../../src/bin/sdk-core.ts';
import type { FetchLike } from '../../src/client/core/fetch-transport.ts';
import type { WebSocketLike } from '../../src/client/core/web-socket.ts';
import { demo, demoRunning } from './cli-samples.ts';

/** Names that only Node has. */
const ofNode = new Set(['Buffer', 'process', 'require', '__dirname', '__filename', 'setImmediate', 'global']);

function identifiersIn(text: string): Set<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('core.js', text, ts.ScriptTarget.ES2022));
  return found;
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`../../src/bin/${file}`, import.meta.url));
}

type Bundle = BuildResult<{ metafile: true; write: false }>;

async function bundleOf(file: string, platform: 'browser' | 'node'): Promise<Bundle> {
  return await build({
    entryPoints: [pathOf(file)],
    bundle: true,
    format: 'esm',
    platform,
    ...(platform === 'node' ? { external: ['*/daemon/main.ts'] } : {}),
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
}

/** Answers like a daemon, from a list; keeps what was asked. */
function fakeFetch(answers: Readonly<Record<string, () => Response>>) {
  const asked: { request: string; headers: Readonly<Record<string, string>>; body: string | undefined }[] =
    [];
  const fetch: FetchLike = async (url, { method, headers, body, signal }) => {
    const request = `${method} ${url.replace('https://kame.test', '')}`;
    asked.push({ request, headers, body });
    await Promise.resolve();
    signal.throwIfAborted();
    const answer = answers[request] ?? answers[`${method} *`];
    if (!answer) throw new TypeError(`No answer to ${request}`);
    return answer();
  };
  return { fetch, asked };
}

const json = (value: unknown, status = 200) =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } });
const ndjson = (...values: unknown[]) =>
  new Response(values.map((value) => `${JSON.stringify(value)}\n`).join(''), {
    headers: { 'content-type': 'application/x-ndjson' },
  });

/** A WebSocket of a browser whose other side is a function. */
function fakeWebSocket(serve: (data: unknown, send: (data: unknown) => void, close: () => void) => void) {
  const listeners = new Map<string, ((event: { data: unknown }) => void)[]>();
  const tell = (type: string, data?: unknown) => {
    for (const listener of listeners.get(type) ?? []) listener({ data });
  };
  const socket = {
    binaryType: 'blob',
    readyState: 0,
    bufferedAmount: 0,
    send: (data: unknown) => serve(data, (sent) => tell('message', sent), socket.close),
    close: () => {
      socket.readyState = 3;
      tell('close');
    },
    addEventListener: (type: string, listener: (event: { data: unknown }) => void) =>
      void listeners.set(type, [...(listeners.get(type) ?? []), listener]),
  };
  queueMicrotask(() => {
    socket.readyState = 1;
    tell('open');
  });
  return socket as WebSocketLike;
}

let bundle: Bundle;
let text: string;
let core: typeof Core;
beforeAll(async () => {
  bundle = await bundleOf('sdk-core.ts', 'browser');
  text = bundle.outputFiles[0]?.text ?? '';
  core = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as typeof Core;
});

describe('the core of the SDK', () => {
  it('is bundled for a browser with nothing of Node and no package in it', () => {
    expect(Object.keys(bundle.metafile.inputs).filter((path) => !path.startsWith('src/'))).toEqual([]);
    expect(Object.values(bundle.metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
    expect([...identifiersIn(text)].filter((name) => ofNode.has(name))).toEqual([]);
  });

  it('lists, starts with progress, and reports errors', async () => {
    const { fetch, asked } = fakeFetch({
      'GET /v1/machines': () => json([demo]),
      'POST /v1/machines/a%2Fb/start': () =>
        ndjson({ type: 'progress', progress: { stage: 'Boot' } }, { type: 'result', result: demoRunning }),
      'GET /v1/machines/nobody': () =>
        json({ code: 'NO_SUCH_MACHINE', message: 'There is no machine nobody.', next: '', details: {} }, 404),
    });
    await using client = core.createClient(core.fetchTransport({ baseUrl: 'https://kame.test/', fetch }));
    expect(await client.machines.list()).toEqual([demo]);
    const stages: string[] = [];
    const onProgress = ({ stage }: Core.ProgressReport) => void stages.push(stage);
    expect(await client.machines.start('a/b', { wait: 'boot' }, { onProgress })).toEqual(demoRunning);
    expect(stages).toEqual(['Boot']);
    const failure = await client.machines.show('nobody').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(core.KameError);
    expect(failure).toMatchObject({ code: 'NO_SUCH_MACHINE', message: 'There is no machine nobody.' });
    expect(asked.map(({ body }) => body)).toEqual([undefined, '{"wait":"boot"}', undefined]);
    expect(asked[1]?.headers).toMatchObject({
      accept: 'application/x-ndjson',
      'x-kame-task': expect.stringMatching(/^[-0-9a-f]{36}$/) as unknown,
    });
  });

  it('streams events and logs', async () => {
    const { fetch } = fakeFetch({
      'GET /v1/events': () => ndjson({ message: 'one' }, { message: 'two' }),
      'GET /v1/machines/demo/logs?follow=true': () => new Response('é\n'),
    });
    const client = core.createClient(core.fetchTransport({ baseUrl: 'https://kame.test', fetch }));
    const messages: string[] = [];
    for await (const { message } of client.host.events()) messages.push(message);
    expect(messages).toEqual(['one', 'two']);
    let log = '';
    for await (const chunk of client.machines.logs('demo', { follow: true }))
      log += new TextDecoder().decode(chunk);
    expect(log).toBe('é\n');
  });

  it('runs a command in a guest over a WebSocket', async () => {
    const { fetch } = fakeFetch({ 'GET /v1/tasks': () => json([]) });
    const received: unknown[] = [];
    const urls: string[] = [];
    const webSocket = (url: string) => {
      urls.push(url);
      return fakeWebSocket((data, send, close) => {
        received.push(typeof data === 'string' ? JSON.parse(data) : data);
        send(JSON.stringify({ type: 'stdout', data: btoa('hello') }));
        send(JSON.stringify({ type: 'exit', exitCode: 3, signal: null }));
        close();
      });
    };
    const transport = core.fetchTransport({ baseUrl: 'https://kame.test', fetch, webSocket });
    const client = core.createClient(transport);
    let output = '';
    const end = await client.machines.exec(
      'demo',
      { command: ['true'] },
      {
        output: (_stream, data) => {
          output += new TextDecoder().decode(data);
          return Promise.resolve();
        },
      },
    );
    expect({ end, output, received, urls }).toEqual({
      end: { exitCode: 3, signal: null },
      output: 'hello',
      received: [{ command: ['true'] }],
      urls: ['wss://kame.test/v1/machines/demo/exec'],
    });
  });

  it('ends a command whose input fails with what it throws', async () => {
    const { fetch } = fakeFetch({ 'GET /v1/tasks': () => json([]) });
    const webSocket = () => fakeWebSocket(() => undefined);
    const transport = core.fetchTransport({ baseUrl: 'https://kame.test', fetch, webSocket });
    const input = (async function* broken() {
      yield await Promise.resolve(Buffer.from('some'));
      throw new Error('unplugged');
    })();
    const running = core
      .createClient(transport)
      .machines.exec(
        'demo',
        { command: ['cat'], stdin: true },
        { input, output: async () => await Promise.resolve() },
      );
    await expect(running).rejects.toThrow('unplugged');
  });

  it('cancels when its signal fires, and when it is disposed of', async () => {
    const { fetch, asked } = fakeFetch({});
    const client = core.createClient(core.fetchTransport({ baseUrl: 'https://kame.test', fetch }));
    await expect(client.machines.list({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    await client[Symbol.asyncDispose]();
    await expect(client.machines.list()).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(asked).toHaveLength(2);
  });

  it('reports that there is no answer', async () => {
    const { fetch } = fakeFetch({});
    const client = core.createClient(core.fetchTransport({ baseUrl: 'https://kame.test', fetch }));
    await expect(client.machines.list()).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
  });
});

it('the command line loads no schemas', async () => {
  const { metafile } = await bundleOf('kame.ts', 'node');
  expect(Object.keys(metafile.inputs).filter((path) => path.includes('/zod/'))).toEqual([]);
});
