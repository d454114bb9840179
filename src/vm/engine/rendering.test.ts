import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startBody } from '../../../test/support/bodies.ts';
import { FakeRfb } from '../../../test/support/fake-rfb.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { silentProgress } from '../../core/progress.ts';
import { screenshot } from '../guest/screenshot.ts';
import { suspend } from '../power/suspend.ts';
import { start } from '../power/start.ts';
import { diagnose } from '../recovery/doctor.ts';
import { show } from '../running/describe.ts';
import { engineFor } from './engine.ts';
import { proveRendering } from './rendering.ts';

const world = useWorld();
const wants3d = ['mks.enable3d = "TRUE"'];
const verdicts = () => join(world().host.names.cache, 'rendering.json');
const prove = async (options = {}) =>
  await proveRendering(world().host, await engineFor(world().host, 'aarch64'), quiet, options);

/** The package of QEMU for 3D is installed. */
async function install(): Promise<void> {
  await world().engines.fillCache(world().host.names.cache, ['virtio-gpu-gl-device']);
}

describe('3D on a host', () => {
  it('is proved once by an engine whose display has rendered, and that is gone afterwards', async () => {
    await install();
    const verdict = await prove();
    expect(verdict).toMatchObject({
      works: true,
      renderer: { name: 'a fake', openGl: '4.5' },
      vulkan: false,
    });
    expect(await prove()).toEqual(verdict);
    expect(world().engines.all).toHaveLength(1);
    const engine = world().engines.of('rendering-aarch64');
    await engine.ended;
    expect(engine.options.given.all).toContain('-S');
    expect(existsSync(engine.options.given.run)).toBe(false);
    await prove({ fresh: true });
    expect(world().engines.all).toHaveLength(2);
  });

  it('is proved by one engine when two machines want it at the same time', async () => {
    await install();
    const [one, two] = await Promise.all([prove(), prove()]);
    expect(one).toEqual(two);
    expect(world().engines.all).toHaveLength(1);
  });

  it('is tested again after it did not work, and forgotten when it no longer does', async () => {
    await install();
    await prove();
    world().engines.display3d = { pixel: [0, 0, 0, 0] };
    const reason = like(/^A test of it failed: The renderer did not fill a square/);
    expect(await prove({ fresh: true })).toEqual({ works: false, reason });
    expect(JSON.parse(readFileSync(verdicts(), 'utf8'))).toEqual({});
    world().engines.display3d = {};
    expect((await prove()).works).toBe(true);
  });

  it('is not tested with an engine that lacks it', async () => {
    expect(await prove()).toEqual({
      works: false,
      reason: like(process.platform === 'linux' ? /qemu-system-gui/ : /only on Linux/),
    });
    expect(world().engines.all).toHaveLength(0);
  });

  it('does not work when the engine ends, with its last words', async () => {
    await install();
    world().engines.begin = 'echo "egl: no drm render node available" >&2; exit 1';
    expect(await prove()).toEqual({ works: false, reason: like(/no drm render node available/) });
  });

  it('is not judged by a cancelled test', async () => {
    await install();
    const capabilities = await engineFor(world().host, 'aarch64');
    const cancelled = proveRendering(world().host, capabilities, silentProgress(AbortSignal.abort()));
    expect((await refused(cancelled)).code).toBe('CANCELLED');
    expect(existsSync(verdicts())).toBe(false);
  });

  it('is tested again when the record is damaged', async () => {
    await install();
    await prove();
    writeFileSync(verdicts(), '{"x": {"works": true}}');
    expect((await prove()).works).toBe(true);
  });

  it('is among what the doctor says, and its absence is no problem', async () => {
    const find = async () =>
      (await diagnose(world().host, { fresh: false }, quiet)).checks.find(
        ({ name }) => name === '3D aarch64',
      );
    expect(await find()).toMatchObject({ status: 'ok', message: like(/^not possible: This QEMU has no/) });
    await install();
    world().host.engines.clear();
    expect(await find()).toMatchObject({ status: 'ok', message: like(/^works: OpenGL 4.5 by a fake/) });
  });
});

describe('a machine with 3D', () => {
  it('says what it has and what that costs, and cannot be saved', async () => {
    await install();
    world().machine('demo', wants3d);
    const { notes } = await start(world().host, 'demo', startBody(), quiet);
    const note = like(
      /^The display has 3D acceleration: OpenGL 4.5 by a fake. The machine cannot be suspended/,
    );
    expect(notes).toContainEqual(note);
    expect(await show(world().host, 'demo')).toMatchObject({ graphicsNote: note });
    const blocked = { code: 'CHECKPOINT_BLOCKED', message: like(/a display with 3D/), next: like(/3d=off/) };
    expect(await refused(suspend(world().host, 'demo', quiet))).toMatchObject(blocked);
  });

  it('has pictures from its VNC server', async () => {
    await install();
    world().machine('demo', wants3d);
    const engine = await world().start();
    const pixels = Buffer.alloc(16, 0x55);
    await using _display = await FakeRfb.listen(world().running().vncSocket, {
      size: { width: 2, height: 2 },
      picture: [{ x: 0, y: 0, width: 2, height: 2, pixels }],
    });
    const png = await screenshot(world().host, 'demo', quiet.signal);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2, 2]);
    expect(engine.received).not.toContain('screendump');
    const cancelled = screenshot(world().host, 'demo', AbortSignal.abort());
    expect((await refused(cancelled)).code).toBe('CANCELLED');
  });

  it('starts without it and says why, where it worked once and does not any more', async () => {
    await install();
    const demo = world().machine('demo', wants3d);
    await prove();
    world().engines.begin =
      'case "$*" in *egl-headless*) echo "egl: the driver is of another version" >&2; exit 1;; esac';
    const { notes, state } = await start(world().host, 'demo', startBody(), quiet);
    expect(state).toBe('running');
    expect(notes).toContainEqual(
      like(/^The display has no 3D acceleration. A test of it failed: .*another version/),
    );
    expect(demo.read('demo.log')).toContain('The display has no 3D acceleration.');
    expect(world().running().record.blockers).toEqual([]);
  });

  it('fails to start with the reason when that is not 3D', async () => {
    await install();
    world().machine('demo', wants3d);
    await prove();
    world().engines.begin = 'case "$*" in *rendering-aarch64*) ;; *) echo "broken" >&2; exit 1;; esac';
    expect(await refused(start(world().host, 'demo', startBody(), quiet))).toMatchObject({
      code: 'ENGINE_FAILED',
      message: like(/broken/),
    });
    rmSync(verdicts());
  });
});
