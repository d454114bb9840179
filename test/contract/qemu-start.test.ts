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
import { attach, launch, type EngineMachine } from '../../src/qemu/launch.ts';
import { slotName } from '../../src/qemu/plan/controllers.ts';
import type { LaunchPlan } from '../../src/qemu/plan/types.ts';
import { plan } from '../../src/qemu/plan/launch-plan.ts';
import type { Arch, MachineSpec } from '../../src/model/machine.ts';
import { machineKinds } from '../support/machine-kinds.ts';
import { someInput, someSpec } from '../support/plan-inputs.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const engines = new Map<Arch, { capabilities: Capabilities; firmware: FirmwareDescriptor[] }>();
const running: EngineMachine[] = [];

beforeAll(async () => {
  for (const arch of ['aarch64', 'x86_64'] as const) {
    const binary = await findEngine(arch, { env: process.env, os: 'linux' });
    const firmware = await loadFirmware({ binary, env: {}, home: '/nonexistent' });
    engines.set(arch, { capabilities: await probe(binary), firmware });
  }
});

afterEach(async () => {
  for (const machine of running.splice(0)) {
    await machine.kill();
    await machine.detach();
  }
});

/** A plan with real files: empty raw disks of 1 MiB, direct boot of a kernel that is none (it never runs). */
function realPlan(spec: MachineSpec, folder: string): LaunchPlan {
  const engine = engines.get(spec.arch);
  if (!engine) throw new Error(`no engine for ${spec.arch}`);
  const files = [
    'install.iso',
    'seed.iso',
    'vmlinuz',
    'initrd.img',
    ...spec.disks.map((disk) => disk.fileName),
  ];
  for (const file of files) writeFileSync(join(folder, file), Buffer.alloc(1024 * 1024));
  return plan({
    ...someInput({ spec }),
    ...engine,
    paths: { bundle: folder, run: folder, serialLog: join(folder, 'serial.log') },
    ram: { path: join(folder, 'ram'), share: true },
    disks: new Map(
      spec.disks.map((disk) => [slotName(disk), { path: join(folder, disk.fileName), format: 'raw' }]),
    ),
    paused: true,
  });
}

async function start(launchPlan: LaunchPlan, folder: string): Promise<EngineMachine> {
  const { machine } = await launch(launchPlan, { logFile: join(folder, 'log') });
  running.push(machine);
  return machine;
}

async function failure(launchPlan: LaunchPlan, folder: string): Promise<KameError> {
  return await start(launchPlan, folder).then(
    () => Promise.reject(new Error('it started')),
    (error: KameError) => error,
  );
}

describe('the installed QEMU', () => {
  for (const [kind, spec] of Object.entries(machineKinds)) {
    // A kernel is parsed before the machine runs; the direct-boot plan is proved by real guests.
    if (spec.kame.directBoot) continue;
    it(`starts ${kind}`, async () => {
      const folder = directory();
      const machine = await start(realPlan({ ...spec, memoryMiB: 128 }, folder), folder);
      expect(await machine.status()).toBe('prelaunch');
      const cards = spec.nics.map((nic) => `nic${nic.index}`);
      const names = (await machine.qmp.execute('query-block')).map((drive) => drive.qdev ?? '');
      for (const disk of spec.disks) {
        expect(names.some((name) => name.includes(`drive-${disk.bus}${disk.controller}-${disk.unit}`))).toBe(
          true,
        );
      }
      for (const card of cards) {
        expect(
          await machine.qmp.execute('qom-get', { path: `/machine/peripheral/${card}`, property: 'type' }),
        ).toBeTypeOf('string');
      }
    });
  }

  it('can be let go of, found again and ended', async () => {
    const folder = directory();
    const first = await start(realPlan(someSpec({ memoryMiB: 128 }), folder), folder);
    await first.detach();
    const second = await attach(folder, { name: 'demo' });
    expect(second?.identity).toEqual(first.identity);
    expect(second?.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(await second?.accelerator()).toBe('tcg');
    expect(await second?.agentPortOpen()).toBe(false);
    const screenshot = join(folder, 'screen.png');
    await second?.screenshot(screenshot);
    await second?.resume();
    await second?.pause();
    expect(await second?.status()).toBe('paused');
    await second?.quit();
    expect(await second?.isAlive()).toBe(false);
    expect(await attach(folder)).toBeNull();
  });

  it('is found to be started twice', async () => {
    const folder = directory();
    const launchPlan = realPlan(someSpec({ memoryMiB: 128 }), folder);
    const first = await start(launchPlan, folder);
    const error = await failure(launchPlan, folder);
    expect(error.code).toBe('BUSY');
    expect(await first.status()).toBe('prelaunch');
  });

  it('says who holds a disk image', async () => {
    const [one, other] = [directory(), directory()];
    const launchPlan = realPlan(someSpec({ memoryMiB: 128 }), one);
    await start(launchPlan, one);
    const second = realPlan(someSpec({ memoryMiB: 128 }), other);
    const args = second.args.map((arg) => arg.replace(join(other, 'disk0.qcow2'), join(one, 'disk0.qcow2')));
    const error = await failure({ ...second, args }, other);
    expect(error.code).toBe('BUSY');
    expect(error.message).toContain('lock');
    expect(error.next).toContain('Another program has the disk image open');
  });

  it('gives its last words and advice when it does not start', async () => {
    const folder = directory();
    const launchPlan = realPlan(someSpec({ memoryMiB: 128 }), folder);
    const error = await failure(
      { ...launchPlan, args: [...launchPlan.args, '-device', 'no-such-device'] },
      folder,
    );
    expect(error).toMatchObject({ code: 'ENGINE_TOO_OLD', details: { machine: 'demo', exitCode: 1 } });
    expect(error.message).toContain("'no-such-device' is not a valid device model name");
    expect(error.message).not.toMatch(/\d{4}-\d\d-\d\dT/);
  });

  it('leaves nothing running when the start is cancelled', async () => {
    const folder = directory();
    const launchPlan = realPlan(someSpec({ memoryMiB: 128 }), folder);
    const launching = launch(launchPlan, { logFile: join(folder, 'log'), signal: AbortSignal.abort() });
    await expect(launching).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await attach(folder)).toBeNull();
  });
});
