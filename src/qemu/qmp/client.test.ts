import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeQemu, type FakeCommand, type FakeQemuOptions } from '../../../test/support/fake-qemu.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { KameError } from '../../core/errors.ts';
import { connectUnix } from '../../sys/socket.ts';
import { QmpClient, type OpenOptions } from './client.ts';
import { QmpError } from './qmp-error.ts';

const directory = useTemporaryDirectory();
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function fakeAt(path: string, options?: FakeQemuOptions): Promise<FakeQemu> {
  const fake = await FakeQemu.listen(path, options);
  open.push(fake);
  return fake;
}

async function connect(path: string, options?: OpenOptions): Promise<QmpClient> {
  const socket = await connectUnix(path, { deadlineMs: 1000 });
  if (!socket) throw new Error('nothing is listening');
  const client = await QmpClient.open(socket, options);
  open.push(client);
  return client;
}

async function pair(
  fakeOptions?: FakeQemuOptions,
  options?: OpenOptions,
): Promise<{ fake: FakeQemu; client: QmpClient }> {
  const path = join(directory(), 'qmp');
  const fake = await fakeAt(path, fakeOptions);
  return { fake, client: await connect(path, options) };
}

async function failureOf(promise: Promise<unknown>): Promise<KameError> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof KameError)) throw error;
  return error;
}

describe('a QMP connection', () => {
  it('reads the version from the greeting and completes the handshake first', async () => {
    const { client, fake } = await pair();
    expect(client.version).toEqual({ major: 7, minor: 2, micro: 22, package: 'fake' });
    expect(fake.received.map((command) => command.execute)).toEqual(['qmp_capabilities']);
  });

  it('sends arguments and returns the result', async () => {
    const { client, fake } = await pair();
    expect(await client.execute('query-status')).toEqual({ status: 'running', running: true });
    await client.execute('set_link', { name: 'nic0', up: false });
    expect(fake.received.at(-1)).toMatchObject({
      execute: 'set_link',
      arguments: { name: 'nic0', up: false },
    });
  });

  it('matches replies by id, whatever their order', async () => {
    const waiting: FakeCommand[] = [];
    const { client, fake } = await pair({
      answers: {
        'query-name': (command) => {
          waiting.push(command);
          if (waiting.length === 3) {
            for (const one of [...waiting].reverse()) fake.send({ return: { name: one.id }, id: one.id });
          }
          return 'silence';
        },
      },
    });
    const names = await Promise.all([1, 2, 3].map(async () => (await client.execute('query-name')).name));
    expect(names).toEqual(waiting.map((command) => command.id));
    expect(new Set(names).size).toBe(3);
  });

  it('reads messages however they are split', async () => {
    const { client, fake } = await pair({
      answers: {
        'query-name': (command) => {
          const bytes = Buffer.from(
            `${JSON.stringify({ return: { name: 'Schildkröte 亀' }, id: command.id })}\r\n`,
          );
          void (async () => {
            for (const byte of bytes) {
              fake.sendRaw(Uint8Array.of(byte));
              await new Promise(setImmediate);
            }
          })();
          return 'silence';
        },
      },
    });
    expect(await client.execute('query-name')).toEqual({ name: 'Schildkröte 亀' });
  });

  it('accepts replies of a mebibyte, and several messages at once', async () => {
    const name = 'x'.repeat(1024 * 1024);
    const { client } = await pair({
      answers: {
        'query-name': (_command, fake) => {
          fake.event('STOP');
          return { return: { name } };
        },
      },
    });
    expect((await client.execute('query-name')).name).toHaveLength(name.length);
  });

  it('accepts an event even before the reply to the handshake, and passes later ones to listeners', async () => {
    const { client, fake } = await pair({
      answers: {
        qmp_capabilities: (_command, fake) => {
          fake.event('RESUME');
          return { return: {} };
        },
      },
    });
    const heard: [string, Date][] = [];
    const listening = client.on('SHUTDOWN', (data, at) => heard.push([data.reason, at]));
    fake.event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    await client.execute('query-status');
    listening[Symbol.dispose]();
    fake.event('SHUTDOWN', { guest: true, reason: 'guest-reset' });
    await client.execute('query-status');
    expect(heard).toEqual([['guest-shutdown', new Date(1_700_000_000_500)]]);
  });
});

describe('a QMP connection in trouble', () => {
  it('turns a rejection into an error with the stack of the call', async () => {
    const { client } = await pair({
      answers: { stop: () => ({ error: { class: 'DeviceNotFound', desc: 'no such thing' } }) },
    });
    async function theCaller(): Promise<void> {
      await client.execute('stop');
    }
    const error = await failureOf(theCaller());
    expect(error).toBeInstanceOf(QmpError);
    expect(error).toMatchObject({
      code: 'ENGINE_FAILED',
      errorClass: 'DeviceNotFound',
      description: 'no such thing',
    });
    expect(error.message).toBe('QEMU rejected stop: no such thing');
    expect(error.stack).toContain('theCaller');
  });

  it('gives up on a QEMU that never replies, and ignores a late reply', async () => {
    let late: FakeCommand | undefined;
    const { client, fake } = await pair({
      answers: {
        cont: (command) => {
          late = command;
          return 'silence';
        },
      },
    });
    const error = await failureOf(client.execute('cont', {}, { timeoutMs: 30 }));
    expect(error).toMatchObject({ code: 'ENGINE_TIMEOUT', details: { command: 'cont' } });
    fake.send({ return: {}, id: late?.id });
    expect((await client.execute('query-status')).running).toBe(true);
  });

  it('stops waiting when the caller cancels', async () => {
    const { client } = await pair({ answers: { cont: () => 'silence' } });
    const cancel = new AbortController();
    const waiting = failureOf(client.execute('cont', {}, { signal: cancel.signal }));
    cancel.abort();
    expect(await waiting).toMatchObject({ code: 'CANCELLED' });
    expect(await failureOf(client.execute('stop', {}, { signal: cancel.signal }))).toMatchObject({
      code: 'CANCELLED',
    });
  });

  it('rejects all pending calls when QEMU dies, with its last output, and all later calls', async () => {
    const { client, fake } = await pair(
      { answers: { cont: () => 'silence', stop: () => 'silence' } },
      { lastWords: () => 'out of luck' },
    );
    const waiting = [failureOf(client.execute('cont')), failureOf(client.execute('stop'))];
    await client.execute('query-status');
    fake.hangUp();
    for (const error of await Promise.all(waiting)) {
      expect(error.code).toBe('ENGINE_FAILED');
      expect(error.message).toContain('out of luck');
    }
    expect((await client.closed).message).toContain('closed the connection');
    expect(await failureOf(client.execute('query-status'))).toMatchObject({ code: 'ENGINE_FAILED' });
  });

  it.each([
    ['garbage', '\u0000\u0001 not json\r\n'],
    ['a number', '42\r\n'],
    ['null', 'null\r\n'],
    ['an object that is not a message', '{"hello":1}\r\n'],
    ['an error that answers nothing', '{"error":{"class":"GenericError","desc":"JSON parse error"}}\r\n'],
  ])('ends at %s', async (_name, bytes) => {
    const { client, fake } = await pair({ answers: { cont: () => 'silence' } });
    const waiting = failureOf(client.execute('cont'));
    await client.execute('query-status');
    fake.sendRaw(bytes);
    expect(await waiting).toMatchObject({ code: 'ENGINE_FAILED' });
  });

  it('survives a listener that throws', async () => {
    const { client, fake } = await pair();
    const warned = new Promise((resolve) => process.once('warning', resolve));
    client.on('STOP', () => {
      throw new Error('listener at fault');
    });
    fake.event('STOP');
    expect((await client.execute('query-status')).running).toBe(true);
    expect(String(await warned)).toContain('listener at fault');
  });

  it('suggests that another client may be using the monitor when there is no greeting', async () => {
    const path = join(directory(), 'qmp');
    await fakeAt(path, { greeting: null });
    const error = await failureOf(connect(path, { timeoutMs: 30 }));
    expect(error).toMatchObject({ code: 'ENGINE_TIMEOUT' });
    expect(error.message).toContain('another program may be using its monitor');
  });

  it('rejects any other program', async () => {
    const path = join(directory(), 'qmp');
    await fakeAt(path, { greeting: '{"QMP":{"version":"seven"}}' });
    expect((await failureOf(connect(path))).message).toContain('it is not QEMU');
  });

  it('stops waiting for the greeting when the connection ends', async () => {
    const path = join(directory(), 'qmp');
    const fake = await fakeAt(path, { greeting: null });
    const waiting = failureOf(connect(path));
    await fake.connected();
    fake.hangUp();
    expect(await waiting).toMatchObject({ code: 'ENGINE_FAILED' });
  });
});
