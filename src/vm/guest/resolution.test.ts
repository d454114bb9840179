import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeRfb, type FakeRfbOptions } from '../../../test/support/fake-rfb.ts';
import { FakeVdagent, vd } from '../../../test/support/fake-vdagent.ts';
import {
  FakeSessionHelper,
  type FakeSessionHelperOptions,
} from '../../../test/support/fake-session-helper.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { pause } from '../power/pause.ts';
import { setResolution, showResolution } from './resolution.ts';

const world = useWorld();
const opened: AsyncDisposable[] = [];
const wanted = { width: 1366, height: 768 };
const rounded = { width: 1360, height: 768 };

afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

/** Starts a machine with a display. */
async function withDisplay(options: FakeRfbOptions = {}): Promise<FakeRfb> {
  world().machine();
  await world().start();
  const path = join(world().running().run.directory, 'vnc');
  rmSync(path, { force: true });
  const display = await FakeRfb.listen(path, options);
  opened.push(display);
  return display;
}

async function withAgent(): Promise<FakeVdagent> {
  const agent = await FakeVdagent.listen(join(world().running().run.directory, 'spice'));
  opened.push(agent);
  world().engines.of('demo').event('VSERPORT_CHANGE', { id: 'vdagent0', open: true });
  await until(() => world().running().channels.desktopAgent.present);
  return agent;
}

async function withHelper(options: FakeSessionHelperOptions = {}): Promise<FakeSessionHelper> {
  const helper = await FakeSessionHelper.listen(join(world().running().run.directory, 'tools2'), options);
  opened.push(helper);
  world().engines.of('demo').event('VSERPORT_CHANGE', { id: 'desktop0', open: true });
  await until(() => world().running().channels.sessionHelper.resizesDisplay);
  return helper;
}

const set = async (timeoutMs = 10_000, progress = quiet) =>
  await setResolution(world().host, 'demo', { ...wanted, timeoutMs }, progress);

describe('the resolution', () => {
  it('is that which the display has', async () => {
    const display = await withDisplay();
    expect(await showResolution(world().host, 'demo', quiet.signal)).toEqual({ width: 1280, height: 800 });
    await display.untilLeft();
  });

  it('is asked for through the adapter, and reported when the guest has followed', async () => {
    const display = await withDisplay();
    display.onWanted = (size) => display.change(size);
    expect(await set()).toEqual({ ...wanted, wanted, reached: true });
    // A display that has the size already is not asked.
    expect(await set()).toMatchObject({ reached: true });
    expect(display.wanted).toEqual([wanted]);
    await display.untilLeft();
  });

  it('is asked for through the agent too, and may be rounded', async () => {
    const display = await withDisplay({ status: 3 });
    const agent = await withAgent();
    display.onWanted = () =>
      void agent.until(() => agent.count(vd.monitors) === 1).then(() => display.change(rounded));
    expect(await set()).toEqual({ ...rounded, wanted, reached: false });
    expect(display.wanted).toHaveLength(1);
  });

  it('is asked for once more when the guest does not follow', async () => {
    const display = await withDisplay();
    display.onWanted = (size) => {
      if (display.wanted.length === 2) display.change(size);
      else display.change({ width: 1024, height: 768 });
    };
    expect(await set(400)).toMatchObject({ reached: true });
    expect(display.wanted).toEqual([wanted, wanted]);
  });

  it('is changed by kame-tools in the session alone, where they can', async () => {
    const display = await withDisplay();
    const helper = await withHelper();
    const agent = await withAgent();
    helper.onResize = (size) => display.change(size);
    expect(await set()).toEqual({ ...wanted, wanted, reached: true });
    expect([helper.sizes, display.wanted, agent.count(vd.monitors)]).toEqual([[wanted], [], 0]);
    // What is told is the size of the display, whatever they say.
    helper.onResize = () => undefined;
    const other = { width: 800, height: 600, timeoutMs: 20 };
    expect(await setResolution(world().host, 'demo', other, quiet)).toMatchObject({
      ...wanted,
      reached: false,
    });
  });

  it('is asked for in the other ways when kame-tools in the session cannot change it', async () => {
    const display = await withDisplay();
    await withHelper({ resizes: false });
    display.onWanted = (size) => display.change(size);
    expect(await set()).toMatchObject({ reached: true });
    expect(display.wanted).toEqual([wanted]);
  });

  it('is told as it is when the guest follows neither time', async () => {
    const display = await withDisplay();
    expect(await set(20)).toEqual({ width: 1280, height: 800, wanted, reached: false });
    expect(display.wanted).toHaveLength(2);
  });

  it('is not waited for after a cancellation', async () => {
    const display = await withDisplay();
    const stop = new AbortController();
    display.onWanted = () => stop.abort();
    const progress = { signal: stop.signal, report: () => undefined };
    expect((await refused(set(10_000, progress))).code).toBe('CANCELLED');
    await display.untilLeft();
  });

  it('cannot be changed without a display, an adapter that can, and a guest that runs', async () => {
    const display = await withDisplay({ status: 1 });
    expect(await refused(set())).toMatchObject({ code: 'WRONG_STATE', next: like(/spice-vdagent/) });
    await pause(world().host, 'demo', quiet);
    expect(await refused(set())).toMatchObject({ code: 'WRONG_STATE', next: like(/unpause/) });
    expect(await showResolution(world().host, 'demo', quiet.signal)).toEqual(display.size);
    world().machine('blind', ['svga.present = "FALSE"']);
    await world().start('blind');
    expect((await refused(showResolution(world().host, 'blind', quiet.signal))).message).toMatch(
      /no display/,
    );
  });

  it('ends with the engine', async () => {
    const display = await withDisplay();
    display.onWanted = () => void display[Symbol.asyncDispose]();
    expect((await refused(set())).code).toBe('ENGINE_FAILED');
  });
});
