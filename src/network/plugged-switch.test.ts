import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FakeAdapter } from '../../test/support/fake-adapter.ts';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { poll } from '../core/deadline.ts';
import { PluggedSwitch } from './plugged-switch.ts';
import type { SwitchConfig } from './switch-config.ts';

const { macA, macB, portOf } = world;
const makeDirectory = useTemporaryDirectory();
const flow = {
  source: '192.168.77.10',
  destination: '192.168.77.11',
  sourcePort: 1000,
  destinationPort: 2000,
};
const fromA = (text: string) => frames.udp({ from: macA, to: macB }, flow, Buffer.from(text));
const fromB = (text: string) => frames.udp({ from: macB, to: macA }, flow, Buffer.from(text));

class Plugged implements AsyncDisposable {
  readonly switch = new PluggedSwitch();
  readonly a: FakeAdapter;
  readonly b: FakeAdapter;
  readonly config: SwitchConfig;

  constructor(directory: string) {
    this.a = new FakeAdapter(join(directory, 'a'));
    this.b = new FakeAdapter(join(directory, 'b'));
    const ports = [portOf('a', macA, { socket: this.a.path }), portOf('b', macB, { socket: this.b.path })];
    this.config = world.natConfig({ uplink: null, ports });
  }

  /** Waits until the switch knows that these ports are connected, and no others. */
  async connected(...ids: readonly string[]): Promise<void> {
    const look = async () => {
      const now = this.switch.status().ports.filter(({ connected }) => connected);
      return now.map(({ id }) => id).join() === ids.join() || undefined;
    };
    if (!(await poll(look, { deadlineMs: 10_000, maxStepMs: 5 })))
      throw new Error(`Not just ${ids.join()} connected.`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.switch[Symbol.dispose]();
    await this.a[Symbol.asyncDispose]();
    await this.b[Symbol.asyncDispose]();
  }
}

async function plug(directory: string): Promise<Plugged> {
  const plugged = new Plugged(directory);
  await plugged.a.listen();
  await plugged.b.listen();
  plugged.switch.configure(plugged.config);
  await plugged.connected('a', 'b');
  return plugged;
}

describe('a switch with sockets', () => {
  it('joins two adapters', async () => {
    await using plugged = await plug(makeDirectory());
    const { a, b } = plugged;
    a.send(fromA('1'), fromA('2'));
    b.send(fromB('3'));
    await b.until(() => b.frames.length === 2);
    await a.until(() => a.frames.length === 1);
    expect(b.frames).toEqual([fromA('1'), fromA('2')]);
    expect(a.frames).toEqual([fromB('3')]);
  });

  it('connects to an adapter that appears later, and again when it comes back', async () => {
    await using plugged = new Plugged(makeDirectory());
    const { a, b } = plugged;
    plugged.switch.configure(plugged.config);
    await a.listen();
    await a.connected();
    await b.listen();
    await plugged.connected('a', 'b');
    // The connection ends, and the machine ends.
    b.hangUp();
    await b.until(() => b.connections === 2);
    await plugged.connected('a', 'b');
    await b[Symbol.asyncDispose]();
    await plugged.connected('a');
    await b.listen();
    await plugged.connected('a', 'b');
    a.send(fromA('again'));
    await b.until(() => b.frames.length === 1);
    expect(b.frames).toEqual([fromA('again')]);
  });

  it('keeps connections when it is reconfigured, and disconnects a port that is removed', async () => {
    await using plugged = await plug(makeDirectory());
    const { a, b, config } = plugged;
    plugged.switch.configure({ ...config, mtu: 9000 });
    plugged.switch.configure({ ...config, ports: config.ports.slice(0, 1) });
    await plugged.connected('a');
    expect([a.connections, b.connections]).toEqual([1, 1]);
    plugged.switch.configure(config);
    await b.until(() => b.connections === 2);
    await plugged.connected('a', 'b');
    expect(a.connections).toBe(1);
  });

  it('follows an adapter to another socket', async () => {
    const directory = makeDirectory();
    await using plugged = await plug(directory);
    await using moved = await new FakeAdapter(join(directory, 'moved')).listen();
    const ports = [plugged.config.ports[0]!, portOf('b', macB, { socket: moved.path })];
    plugged.switch.configure({ ...plugged.config, ports });
    await moved.connected();
    await plugged.connected('a', 'b');
    plugged.a.send(fromA('moved'));
    await moved.until(() => moved.frames.length === 1);
    expect(plugged.b.frames).toEqual([]);
  });

  it('drops what a paused guest does not read, serves the others, and continues when it is resumed', async () => {
    await using plugged = await plug(makeDirectory());
    const { a, b } = plugged;
    // Each frame is numbered, so that one whose memory was used again would be seen.
    const numbered = (number: number) => fromA(`${number} `.repeat(1400).slice(0, 1400));
    let next = 0;
    b.pause();
    const dropped = () => plugged.switch.status().ports[0]?.dropped.congestion ?? 0;
    for (let count = 0; dropped() === 0; count += 1) {
      expect(count).toBeLessThan(1000);
      a.send(...Array.from({ length: 40 }, () => numbered(next++)));
      b.send(fromB(String(count)));
      await a.until(() => a.frames.length > count);
    }
    await poll(async () => plugged.switch.status().ports[0]?.sentFrames === next || undefined, {
      deadlineMs: 10_000,
    });
    b.resume();
    const all = async () => b.frames.length + dropped() === next || undefined;
    expect(await poll(all, { deadlineMs: 10_000, maxStepMs: 5 })).toBe(true);
    const numbers = b.frames.map((frame) => Number.parseInt(frame.toString('latin1', 42), 10));
    expect(b.frames.every((frame, index) => frame.equals(numbered(numbers[index] ?? -1)))).toBe(true);
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    a.send(fromA('after'));
    await b.until(() => b.frames.at(-1)?.equals(fromA('after')) === true);
  });

  it('delivers many frames unchanged and in order', async () => {
    await using plugged = await plug(makeDirectory());
    const { a, b } = plugged;
    const sizes = Array.from({ length: 600 }, (_none, index) => (index * 7919) % 1400);
    const all = sizes.map((size, index) => fromA(String(index % 10).repeat(size + 1)));
    for (const frame of all) a.send(frame);
    await b.until(() => b.frames.length === all.length);
    expect(Buffer.concat(b.frames).equals(Buffer.concat(all))).toBe(true);
  });

  it('reconnects to an adapter whose stream is out of sync', async () => {
    await using plugged = await plug(makeDirectory());
    const { a, b } = plugged;
    a.sendRaw(Buffer.from('fffffffff0f0', 'hex'));
    await a.until(() => a.connections === 2);
    await plugged.connected('a', 'b');
    a.send(fromA('in step'));
    await b.until(() => b.frames.length === 1);
    expect(b.frames).toEqual([fromA('in step')]);
  });
});
