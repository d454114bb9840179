import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeQemu, type FakeQemuOptions } from '../../test/support/fake-qemu.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { lastWords, logSize } from './engine-log.ts';
import { attach, type Engine } from './launch.ts';
import { pngFromPpm } from './png.ts';
import { QmpError } from './qmp/qmp-error.ts';

const directory = useTemporaryDirectory();
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** A fake engine: a process that sleeps, its pid file, and a fake monitor. */
async function fakeMachine(options: FakeQemuOptions): Promise<{ engine: Engine; fake: FakeQemu }> {
  const folder = directory();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  open.push({
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'))
        await once(child, 'exit');
    },
  });
  writeFileSync(join(folder, 'pid'), `${child.pid}\n`);
  const fake = await FakeQemu.listen(join(folder, 'qmp'), {
    ...options,
    answers: {
      quit: () => {
        child.kill('SIGTERM');
        return { return: {} };
      },
      ...options.answers,
    },
  });
  open.push(fake);
  const machine = await attach(folder, { name: 'demo' });
  if (!machine) throw new Error('not attached');
  open.push(machine);
  return { engine: machine, fake };
}

const ppm = Buffer.concat([Buffer.from('P6\n2 1\n255\n'), Buffer.from([255, 0, 0, 0, 0, 255])]);

describe('an engine', () => {
  it('sends the commands of QMP', async () => {
    const { engine, fake } = await fakeMachine({});
    expect(await engine.status()).toBe('running');
    await engine.pause();
    await engine.resume();
    await engine.powerdown();
    expect(fake.received.map((command) => command.execute).slice(2)).toEqual([
      'stop',
      'cont',
      'system_powerdown',
    ]);
  });

  it('ends by itself on request', async () => {
    const { engine } = await fakeMachine({});
    await engine.quit({ deadlineMs: 5000 });
    expect(await engine.isAlive()).toBe(false);
  });

  it('is killed when it hangs', async () => {
    const { engine } = await fakeMachine({ answers: { quit: () => 'silence' } });
    await engine.quit({ deadlineMs: 50 });
    expect(await engine.isAlive()).toBe(false);
  });

  it('reports events and the end of the monitor', async () => {
    const { engine, fake } = await fakeMachine({});
    const stopped = new Promise((resolve) => engine.on('STOP', resolve));
    fake.event('STOP');
    expect(await stopped).toEqual({});
    fake.hangUp();
    expect((await engine.closed).code).toBe('ENGINE_FAILED');
  });

  it('has the screenshot written without compression, and makes a PNG of it', async () => {
    const { engine } = await fakeMachine({
      answers: {
        screendump: ({ arguments: args }) => {
          // QEMU would end if it could not write all of a PNG.
          expect(args?.['format']).toBeUndefined();
          writeFileSync(String(args?.['filename']), ppm);
          return { return: {} };
        },
      },
    });
    const file = join(directory(), 'screen.png');
    await engine.screenshot(file);
    expect(readFileSync(file)).toEqual(await pngFromPpm(ppm));
  });

  it('fails without a screen', async () => {
    const answers = {
      screendump: () => ({ error: { class: 'GenericError', desc: 'no console available' } }),
    };
    const { engine } = await fakeMachine({ answers });
    await expect(engine.screenshot(join(directory(), 'screen.png'))).rejects.toBeInstanceOf(QmpError);
  });
});

describe('attach', () => {
  it.each([
    ['there is no pid file', undefined],
    ['it holds nonsense', 'not a number\n'],
    ['its process is gone', '999999999\n'],
  ])('finds no engine when %s', async (_name, text) => {
    const folder = directory();
    if (text !== undefined) writeFileSync(join(folder, 'pid'), text);
    expect(await attach(folder)).toBeNull();
  });

  it('finds no engine when another program has the pid now', async () => {
    const folder = directory();
    writeFileSync(join(folder, 'pid'), `${process.pid}\n`);
    expect(await attach(folder)).toBeNull();
  });

  it('fails when the engine does not respond', async () => {
    const folder = directory();
    writeFileSync(join(folder, 'pid'), `${process.pid}\n`);
    open.push(await FakeQemu.listen(join(folder, 'qmp'), { greeting: null }));
    await expect(attach(folder, { deadlineMs: 30 })).rejects.toMatchObject({ code: 'ENGINE_TIMEOUT' });
  });
});

describe('pngFromPpm', () => {
  it('keeps every pixel', async () => {
    const png = await pngFromPpm(ppm);
    expect(png.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2, 1]);
    // The checksum of an end chunk is the same in every PNG.
    expect(png.subarray(-4)).toEqual(Buffer.from([0xae, 0x42, 0x60, 0x82]));
    const length = png.readUInt32BE(33);
    expect([...inflateSync(png.subarray(41, 41 + length))]).toEqual([0, 255, 0, 0, 0, 0, 255]);
  });

  it('leaves out what fills the rows up to a multiple of four bytes', async () => {
    const rows = [255, 0, 0, 9, 0, 0, 255, 9];
    const png = await pngFromPpm(Buffer.concat([Buffer.from('P6\n1 2\n255\n'), Buffer.from(rows)]));
    const length = png.readUInt32BE(33);
    expect([...inflateSync(png.subarray(41, 41 + length))]).toEqual([0, 255, 0, 0, 0, 0, 0, 255]);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['another format', Buffer.from('P5\n2 1\n255\n123456')],
    ['too few pixels', ppm.subarray(0, -1)],
    ['no size', Buffer.from('P6\n0 0\n255\n')],
    ['a giant', Buffer.from('P6\n99999 99999\n255\n')],
  ])('rejects %s', async (_name, bytes) => {
    await expect(pngFromPpm(bytes)).rejects.toThrow('not a valid image');
  });
});

describe('lastWords', () => {
  it('returns what is new, without timestamps', async () => {
    const file = join(directory(), 'log');
    writeFileSync(file, 'from the last run\n');
    const from = await logSize(file);
    writeFileSync(file, '2026-11-24T01:02:03.000004Z qemu-system-aarch64: bad luck\r\n\nmore\n', {
      flag: 'a',
    });
    expect(lastWords(file, from)).toBe('qemu-system-aarch64: bad luck\nmore');
  });

  it('returns few, whole lines, and nothing without a log', async () => {
    const file = join(directory(), 'log');
    writeFileSync(file, 'a line of some length\n'.repeat(1000));
    const words = lastWords(file, 0);
    expect(words.length).toBeLessThanOrEqual(4096);
    expect(words.startsWith('a line of')).toBe(true);
    expect(lastWords('/nonexistent', 0)).toBe('');
    expect(await logSize('/nonexistent')).toBe(0);
  });
});
