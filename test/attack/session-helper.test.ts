import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ClipboardLines } from '../../src/guest/desktop/clipboard-lines.ts';
import { SessionHelper } from '../../src/guest/desktop/session-helper.ts';
import { encodeFrame, FrameReader, frameTypes, preamble } from '../../src/guest/tools/frames.ts';
import { readFailure, readHello, readResult } from '../../src/guest/tools/messages.ts';
import { readFileStatus } from '../../src/guest/vdagent/file-messages.ts';
import { MessageReader } from '../../src/guest/vdagent/message-reader.ts';
import {
  readAnnouncement,
  readContentHead,
  readGrab,
  readRelease,
} from '../../src/guest/vdagent/messages.ts';
import { packed, vd, words } from '../support/fake-vdagent.ts';
import { goodHello } from '../support/fake-tools.ts';
import { until } from '../support/world.ts';
import { fuzz as fuzzAll, shortRange } from './fuzz.ts';
import { Dice, mutated, type Corpus } from './mutation.ts';

const nonce = Buffer.alloc(16, 7);
const fuzz = async (corpus: Corpus, parse: (input: Buffer) => unknown) =>
  await fuzzAll(corpus, parse, shortRange);
const json = (value: object) => Buffer.from(JSON.stringify(value));
const state = { owner: 'guest', types: ['text/plain', 'text/html', 'image/png'] };
const line = Buffer.from(`${JSON.stringify(state)}\n`);
const pieces = [
  '"owner"',
  '"types"',
  '[',
  ']',
  '{',
  '}',
  '\n',
  '"a/b"',
  '"guest"',
  'null',
  '9e99',
  '\\u0000',
].map((text) => Buffer.from(text));
const hello = json({
  ...goodHello,
  services: ['info', 'clipboardWatch', 'drop'],
  clipboard: 'x',
  outputs: 'y',
});
const frames = [
  encodeFrame(nonce, frameTypes.hello, 0, hello),
  encodeFrame(nonce, frameTypes.started, 1, Buffer.alloc(0)),
  encodeFrame(nonce, frameTypes.data, 1, Buffer.concat([Buffer.of(1), line])),
  encodeFrame(nonce, frameTypes.credit, 1, Buffer.from([0, 0, 0, 1, 0])),
  encodeFrame(nonce, frameTypes.failed, 1, json({ code: 'failed', message: 'no' })),
  encodeFrame(nonce, frameTypes.done, 1, json({ exitCode: 0 })),
];

/** Cuts bytes into parts of any length, as a guest may send them. */
function* cut(bytes: Buffer, dice: Dice, most = 400): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + dice.roll(most);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('what a hostile helper sends', () => {
  it('as states of the clipboard is read or refused', async () => {
    const corpus: Corpus = {
      samples: [line, Buffer.concat([line, line]), Buffer.from('{"owner":"none","types":[]}\n')],
      pieces,
    };
    let most = 0;
    const { read, refused } = await fuzz(corpus, (input) => {
      const lines = new ClipboardLines();
      for (const part of cut(input, new Dice(input.length))) {
        most = Math.max(most, lines.push(part)?.types.length ?? 0);
      }
    });
    expect(Math.min(read, refused.get('GUEST_FAILED') ?? 0)).toBeGreaterThan(1000);
    expect(most).toBeLessThanOrEqual(36);
  });

  it('as frames is read or refused', async () => {
    const corpus: Corpus = {
      samples: [Buffer.concat([preamble(nonce), ...frames])],
      pieces: [...frames, ...pieces],
    };
    const { refused } = await fuzz(corpus, (input) => {
      const reader = new FrameReader(nonce);
      for (const part of cut(input, new Dice(input.length), 8000)) reader.push(part);
    });
    expect(refused.get('GUEST_FAILED') ?? 0).toBeGreaterThan(100);
  });

  it.each([
    ['hello', readHello, hello],
    ['result', readResult, json({ exitCode: 0, signal: null, pid: 3 })],
    ['refusal', readFailure, json({ code: 'noSuchType', message: 'x' })],
  ])('as a %s is read or refused', async (_what, parse, sample) => {
    const { read, refused } = await fuzz({ samples: [sample], pieces }, parse);
    expect(Math.min(read, refused.get('GUEST_FAILED') ?? 0)).toBeGreaterThan(100);
  });
});

describe('what a hostile SPICE agent sends', () => {
  it('as messages is read, dropped or refused, and never kept whole when it is long', async () => {
    const layout = { selection: true, serial: true };
    const samples = [
      packed(vd.caps, words(1, 0xffff_ffff)),
      packed(vd.grab, words(0, 1, 1, 2, 5)),
      packed(vd.clipboard, Buffer.concat([words(0, 1), Buffer.from('text')])),
      packed(vd.status, words(1, 0)),
      packed(vd.release, Buffer.from([0])),
    ];
    const corpus: Corpus = { samples: [Buffer.concat(samples), ...samples], pieces: samples };
    let kept = 0;
    await fuzz(corpus, (input) => {
      const reader = new MessageReader({
        limitOf: () => 4096,
        onMessage: ({ data }) => {
          kept = Math.max(kept, data.length);
          readAnnouncement(data);
          readGrab(layout, data);
          readContentHead(layout, data);
          readRelease(layout, data);
          readFileStatus(data);
        },
        onDropped: () => undefined,
      });
      for (const part of cut(input, new Dice(input.length))) reader.push(part);
    });
    expect(kept).toBeLessThanOrEqual(4096);
  });
});

describe('a connection to a hostile helper', () => {
  it('bears fragments, floods, silence and other versions, and still finds a good one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kame-at-'));
    const path = join(directory, 'desktop');
    let connections = 0;
    const bad = 60;
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('data', (opening: Buffer) => {
        connections += 1;
        const own = opening.subarray(preamble(nonce).length - nonce.length, preamble(nonce).length);
        const greeting = (version: number) =>
          encodeFrame(
            own,
            frameTypes.hello,
            0,
            json({ ...goodHello, version, services: ['info', 'clipboardWatch'] }),
          );
        const corpus = { samples: [...frames, greeting(1)], pieces: frames };
        socket.write(preamble(own));
        if (connections > bad) {
          socket.write(greeting(1));
          socket.once('data', () => {
            socket.write(encodeFrame(own, frameTypes.started, 1, Buffer.alloc(0)));
            socket.write(encodeFrame(own, frameTypes.data, 1, Buffer.concat([Buffer.of(1), line])));
          });
          return;
        }
        socket.write(connections % 3 === 0 ? greeting(connections % 2) : Buffer.alloc(0));
        for (let count = 0; count < 20; count += 1) socket.write(mutated(connections * 100 + count, corpus));
        socket.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const helper = new SessionHelper({ path, retryMs: 1 });
    onTestFinished(() => {
      helper.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      rmSync(directory, { recursive: true });
    });
    helper.portChanged(true);
    await until(() => helper.present && helper.state.owner === 'guest');
    expect(connections).toBeGreaterThan(bad);
    expect(helper.state).toEqual(state);
    expect(process.memoryUsage().rss).toBeLessThan(600 * 1024 ** 2);
  });
});
