import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { silentProgress } from '../../core/progress.ts';
import { chooseAccelerator, proveAccelerator } from '../engine/accelerator.ts';
import { engineFor } from '../engine/engine.ts';
import { diagnose } from './doctor.ts';

const world = useWorld();
const aarch64 = async () => await engineFor(world().host, 'aarch64');
const verdicts = () => join(world().host.names.cache, 'accelerators.json');

describe('doctor', () => {
  it('names what is installed', async () => {
    const { checks } = await diagnose(world().host, { fresh: false }, quiet);
    const statuses = Object.fromEntries(checks.map(({ name, status }) => [name, status]));
    expect(statuses).toMatchObject({
      'engine aarch64': 'ok',
      'engine x86_64': 'ok',
      'qemu-img': 'ok',
      'tcg aarch64': 'ok',
    });
    expect(checks.find(({ name }) => name === 'engine aarch64')?.message).toContain(
      world().engines.directory,
    );
  });

  it('says what is missing, and continues with the rest', async () => {
    for (const name of ['qemu-img', 'qemu-system-x86_64']) rmSync(join(world().engines.directory, name));
    const { ok, checks } = await diagnose(world().host, { fresh: false }, quiet);
    expect(ok).toBe(false);
    const failed = checks
      .filter(({ status }) => status === 'failed')
      .map(({ name, next }) => [name, typeof next]);
    expect(failed).toEqual([
      ['qemu-img', 'string'],
      ['engine x86_64', 'string'],
    ]);
    expect(checks.map(({ name }) => name)).toContain('engine aarch64');
  });

  it('asks an engine again on request', async () => {
    rmSync(join(world().engines.directory, 'qemu-system-x86_64'));
    const binary = join(world().engines.directory, 'qemu-system-aarch64');
    writeFileSync(binary, '#!/bin/sh\necho broken >&2\nexit 1\n');
    chmodSync(binary, 0o755);
    const { checks } = await diagnose(world().host, { fresh: true }, quiet);
    expect(checks.find(({ name }) => name === 'engine aarch64')).toMatchObject({
      status: 'failed',
      message: like(/broken/),
    });
  });
});

describe('an accelerator', () => {
  it('is proved by a guest that reaches its console, once', async () => {
    const verdict = await proveAccelerator(world().host, 'tcg', await aarch64(), quiet);
    expect(verdict).toMatchObject({ works: true, kind: 'tcg', arch: 'aarch64' });
    await world().engines.of('proof-aarch64').ended;
    expect(await proveAccelerator(world().host, 'tcg', await aarch64(), quiet)).toEqual(verdict);
    expect(world().engines.all).toHaveLength(1);
    await proveAccelerator(world().host, 'tcg', await aarch64(), quiet, { fresh: true });
    expect(world().engines.all).toHaveLength(2);
    // A damaged record is replaced.
    writeFileSync(verdicts(), 'half of a no');
    await proveAccelerator(world().host, 'tcg', await aarch64(), quiet);
    expect(Object.values(JSON.parse(readFileSync(verdicts(), 'utf8')) as object)).toHaveLength(1);
  });

  it('is unusable when the engine ends, and the reason is reported', async () => {
    world().engines.begin = 'echo "no such accelerator" >&2; exit 1';
    expect(await proveAccelerator(world().host, 'tcg', await aarch64(), quiet)).toMatchObject({
      works: false,
      reason: like(/no such accelerator/),
    });
  });

  it('is unusable when the guest dies without printing a line', async () => {
    world().engines.guest = { ...usualGuest, bootLine: null };
    const proving = proveAccelerator(world().host, 'tcg', await aarch64(), quiet);
    await expect.poll(() => world().engines.all[0]?.received ?? []).toContain('qmp_capabilities');
    world().engines.of('proof-aarch64').fail('dead');
    expect((await proving).works).toBe(false);
  });

  it('is unusable when KVM emulates all that the guest runs, which its statistics tell', async () => {
    const stats = [
      { name: 'exits', value: 5038 },
      { name: 'insn_emulation', value: 4_010_564 },
    ];
    world().engines.guest = { ...usualGuest, bootLine: null, statistics: [{ provider: 'kvm', stats }] };
    const capabilities = { ...(await aarch64()), accelerators: ['kvm'] as const };
    expect(await proveAccelerator(world().host, 'kvm', capabilities, quiet)).toMatchObject({
      works: false,
      reason: like(/kvm only emulates the processor/),
    });
  });

  it('is not proved by a cancelled attempt', async () => {
    const cut = silentProgress(AbortSignal.abort());
    expect((await refused(proveAccelerator(world().host, 'tcg', await aarch64(), cut))).code).toBe(
      'CANCELLED',
    );
    expect(existsSync(verdicts())).toBe(false);
  });
});

describe('choosing an accelerator', () => {
  it('chooses emulation where nothing else works, with the reasons', async () => {
    expect(await chooseAccelerator(world().host, await aarch64(), 'auto', quiet)).toMatchObject({
      kind: 'tcg',
    });
  });

  it('refuses one that is asked for and that this host does not have', async () => {
    const other = process.platform === 'darwin' ? 'kvm' : 'hvf';
    expect(await refused(chooseAccelerator(world().host, await aarch64(), other, quiet))).toMatchObject({
      code: 'ENGINE_FAILED',
      next: like(/accelerator=auto/),
    });
  });
});
