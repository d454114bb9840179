/** Plans for the installed QEMU, proved by starting it: every device, option and place must be to its liking. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KameError } from '../../src/core/errors.ts';
import { findEngine } from '../../src/qemu/capabilities/find-engine.ts';
import { probe } from '../../src/qemu/capabilities/probe.ts';
import type { Capabilities } from '../../src/qemu/capabilities/capabilities.ts';
import { loadFirmware } from '../../src/qemu/firmware/load.ts';
import type { FirmwareDescriptor } from '../../src/qemu/firmware/descriptor.ts';
import { attach, launch, type Engine } from '../../src/qemu/launch.ts';
import { slotName } from '../../src/model/slots.ts';
import type { LaunchPlan } from '../../src/qemu/plan/types.ts';
import { launchPlan } from '../../src/qemu/plan/launch-plan.ts';
import type { Arch, MachineModel } from '../../src/model/machine.ts';
import { machineKinds } from '../support/machine-kinds.ts';
import { someInput, someModel } from '../support/plan-inputs.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const engines = new Map<Arch, { capabilities: Capabilities; firmware: FirmwareDescriptor[] }>();
const running: Engine[] = [];

beforeAll(async () => {
  for (const arch of ['aarch64', 'x86_64'] as const) {
    const binary = await findEngine(arch, { env: process.env, os: 'linux' });
    const firmware = await loadFirmware({ binary, env: {}, home: '/nonexistent' });
    engines.set(arch, { capabilities: await probe(binary), firmware });
  }
});

afterEach(async () => {
  for (const engine of running.splice(0)) {
    await engine.kill();
    await engine.detach();
  }
});

/** A plan with real files: empty raw disks of 1 MiB, direct boot of a file that is not a kernel (it never runs). */
function realPlan(model: MachineModel, folder: string): LaunchPlan {
  const engine = engines.get(model.arch);
  if (!engine) throw new Error(`no engine for ${model.arch}`);
  const files = [
    'install.iso',
    'boot.flp',
    'seed.iso',
    'vmlinuz',
    'initrd.img',
    ...model.disks.map((disk) => disk.fileName),
  ];
  for (const file of files) writeFileSync(join(folder, file), Buffer.alloc(1024 * 1024));
  const plan = launchPlan({
    ...someInput({ model }),
    ...engine,
    paths: { bundle: folder, run: folder, serialLog: join(folder, 'serial.log') },
    ram: { path: join(folder, 'ram'), share: true },
    disks: new Map(
      model.disks.map((disk) => [slotName(disk), { path: join(folder, disk.fileName), format: 'raw' }]),
    ),
  });
  // Its CPUs stay stopped.
  return { ...plan, args: [...plan.args, '-S'] };
}

async function start(plan: LaunchPlan, folder: string): Promise<Engine> {
  const { engine } = await launch(plan, { logFile: join(folder, 'log') });
  running.push(engine);
  return engine;
}

async function failure(plan: LaunchPlan, folder: string): Promise<KameError> {
  return await start(plan, folder).then(
    () => Promise.reject(new Error('it started')),
    (error: KameError) => error,
  );
}

describe('the installed QEMU', () => {
  for (const [kind, model] of Object.entries(machineKinds)) {
    // A kernel is parsed before the machine runs; the direct-boot plan is proved by real guests.
    if (model.kame.directBoot) continue;
    it(`starts ${kind}`, async () => {
      const folder = directory();
      const engine = await start(realPlan({ ...model, memoryMiB: 128 }, folder), folder);
      expect(await engine.status()).toBe('prelaunch');
      const cards = model.nics.map((nic) => `nic${nic.index}`);
      const names = (await engine.qmp.execute('query-block')).map((drive) => drive.qdev ?? '');
      for (const disk of model.disks) {
        expect(names.some((name) => name.includes(`drive-${disk.bus}${disk.controller}-${disk.unit}`))).toBe(
          true,
        );
      }
      for (const card of cards) {
        expect(
          await engine.qmp.execute('qom-get', { path: `/machine/peripheral/${card}`, property: 'type' }),
        ).toBeTypeOf('string');
      }
    });
  }

  it('can be detached from, found again and ended', async () => {
    const folder = directory();
    const first = await start(realPlan(someModel({ memoryMiB: 128 }), folder), folder);
    await first.detach();
    const second = await attach(folder, { name: 'demo' });
    expect(second?.process).toEqual(first.process);
    expect(second?.version).toMatch(/^\d+\.\d+\.\d+$/);
    const screenshot = join(folder, 'screen.png');
    await second?.screenshot(screenshot);
    await second?.resume();
    await second?.pause();
    expect(await second?.status()).toBe('paused');
    await second?.quit();
    expect(await second?.isAlive()).toBe(false);
    expect(await attach(folder)).toBeNull();
  });

  it('is refused a second start', async () => {
    const folder = directory();
    const plan = realPlan(someModel({ memoryMiB: 128 }), folder);
    const first = await start(plan, folder);
    const error = await failure(plan, folder);
    expect(error.code).toBe('BUSY');
    expect(await first.status()).toBe('prelaunch');
  });

  it('names the process that holds a disk image', async () => {
    const [one, other] = [directory(), directory()];
    const plan = realPlan(someModel({ memoryMiB: 128 }), one);
    await start(plan, one);
    const second = realPlan(someModel({ memoryMiB: 128 }), other);
    const args = second.args.map((arg) => arg.replace(join(other, 'disk0.qcow2'), join(one, 'disk0.qcow2')));
    const error = await failure({ ...second, args }, other);
    expect(error.code).toBe('BUSY');
    expect(error.message).toContain('lock');
    expect(error.next).toContain('Stop the other program that has the disk image open');
  });

  it('reports its last output and advice when it does not start', async () => {
    const folder = directory();
    const plan = realPlan(someModel({ memoryMiB: 128 }), folder);
    const error = await failure({ ...plan, args: [...plan.args, '-device', 'no-such-device'] }, folder);
    expect(error).toMatchObject({ code: 'ENGINE_TOO_OLD', details: { machine: 'demo', exitCode: 1 } });
    expect(error.message).toContain("'no-such-device' is not a valid device model name");
    expect(error.message).not.toMatch(/\d{4}-\d\d-\d\dT/);
  });

  it('leaves nothing running when the start is cancelled', async () => {
    const folder = directory();
    const plan = realPlan(someModel({ memoryMiB: 128 }), folder);
    const launching = launch(plan, { logFile: join(folder, 'log'), signal: AbortSignal.abort() });
    await expect(launching).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await attach(folder)).toBeNull();
  });
});
