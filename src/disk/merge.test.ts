import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../test/support/digest.ts';
import {
  at,
  changes,
  clear,
  io,
  keep,
  layersOf,
  mebibyte,
  overlay,
  same,
  scattered,
  size,
  three,
  useLayers,
} from '../../test/support/disk-layers.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { poll } from '../core/deadline.ts';
import { silentProgress } from '../core/progress.ts';
import { readChain } from './chain.ts';
import { commitInto, pullInto } from './merge.ts';
import { check } from './qemu-img.ts';
import { repairLeaks } from './repair.ts';

useLayers();

/** Tests three layers with arbitrary writes, on a base of either format. */
async function forAnyLayers(judge: (baseFormat: 'qcow2' | 'raw') => Promise<void>): Promise<void> {
  const property = fc.asyncProperty(
    fc.tuple(changes, changes, changes),
    fc.constantFrom('qcow2' as const, 'raw' as const),
    async (writes, baseFormat) => {
      clear();
      await three(writes, baseFormat);
      await judge(baseFormat);
    },
  );
  await fc.assert(property, { numRuns: 6 });
}

describe('commitInto', () => {
  it('keeps the content of the overlay, and gives it to the base', async () => {
    await forAnyLayers(async (baseFormat) => {
      keep('top');
      keep('middle');
      const before = digestOf(at('top'));
      await commitInto({ overlay: at('middle'), base: at('base'), baseFormat });
      expect([same('top'), same('middle')]).toEqual([true, true]);
      copyFileSync(at('middle.kept'), at('base.kept'));
      expect(same('base', baseFormat)).toBe(true);
      await commitInto({ overlay: at('top'), base: at('middle'), baseFormat: 'qcow2' });
      copyFileSync(at('top.kept'), at('middle.kept'));
      expect([same('top'), same('middle')]).toEqual([true, true]);
      expect(digestOf(at('top'))).toBe(before);
      expect(await check({ path: at('middle') })).toMatchObject({ ok: true, leaks: 0 });
    });
  }, 120_000);

  it('grows a base that is shorter', async () => {
    await three([['write -P 1 0 1M'], [], []]);
    await overlay('long', 'middle', 'qcow2', 2 * size);
    io(at('long'), [`write -P 5 ${size + mebibyte} 1M`]);
    keep('long');
    await commitInto({ overlay: at('long'), base: at('middle'), baseFormat: 'qcow2' });
    copyFileSync(at('long.kept'), at('middle.kept'));
    expect(same('middle')).toBe(true);
  });

  it('rejects a base that is not the backing file, or has another format', async () => {
    await three([[], [], []]);
    const before = readFileSync(at('base'));
    const far = commitInto({ overlay: at('top'), base: at('base'), baseFormat: 'qcow2' });
    await expect(far).rejects.toMatchObject({
      code: 'BAD_IMAGE',
      message: expect.stringMatching(/has the backing file .*middle \(qcow2\), not .*base/) as unknown,
    });
    const wrong = commitInto({ overlay: at('top'), base: at('middle'), baseFormat: 'raw' });
    await expect(wrong).rejects.toMatchObject({ code: 'BAD_IMAGE' });
    const alone = commitInto({ overlay: at('base'), base: at('base'), baseFormat: 'qcow2' });
    await expect(alone).rejects.toMatchObject({ code: 'BAD_IMAGE' });
    const none = commitInto({ overlay: at('top'), base: at('none'), baseFormat: 'qcow2' });
    await expect(none).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    expect(readFileSync(at('base')).equals(before)).toBe(true);
  });

  it('names the file that is in use', async () => {
    await three([['write -P 1 0 1M'], ['write -P 2 0 1M'], []]);
    const holder = spawn('qemu-io', ['-r', '-f', 'qcow2', at('base')], { stdio: ['pipe', 'pipe', 'ignore'] });
    try {
      await new Promise((resolve) => void holder.stdout.once('data', resolve));
      const run = commitInto({ overlay: at('middle'), base: at('base'), baseFormat: 'qcow2' });
      await expect(run).rejects.toMatchObject({ code: 'BUSY', details: { path: at('base') } });
    } finally {
      holder.kill();
    }
  });

  it('needs space only for data that the base does not have', async () => {
    await three([['write -P 1 0 8M'], ['write -P 2 0 8M'], ['write -P 3 6M 4M']]);
    const totals: (number | undefined)[] = [];
    const progress = {
      signal: new AbortController().signal,
      report: ({ total }: { total?: number }) => void totals.push(total),
    };
    await commitInto({ overlay: at('middle'), base: at('base'), baseFormat: 'qcow2', progress });
    expect(totals.at(-1)).toBe(0);
    await commitInto({ overlay: at('top'), base: at('middle'), baseFormat: 'qcow2', progress });
    expect(totals.at(-1)).toBeGreaterThanOrEqual(2 * mebibyte);
    expect(totals.at(-1)).toBeLessThan(2.2 * mebibyte);
  });

  it('reports the bytes needed when the disk fills up, and does not change the overlay', async () => {
    await three([[], ['write -P 2 0 8M'], []]);
    keep('middle');
    const tool = at('full.sh');
    writeFileSync(tool, '#!/bin/sh\necho "qemu-img: No space left on device" >&2\nexit 1\n', { mode: 0o700 });
    const options = { overlay: at('middle'), base: at('base'), baseFormat: 'qcow2', qemuImg: tool } as const;
    const error: unknown = await commitInto(options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'DISK_FULL', details: { path: at('base') } });
    const { details } = error as { details: { bytesNeeded: number } };
    expect(details.bytesNeeded).toBeGreaterThanOrEqual(8 * mebibyte);
    expect(details.bytesNeeded).toBeLessThan(8.5 * mebibyte);
    expect(same('middle')).toBe(true);
  });
});

describe('pullInto', () => {
  it('keeps the content of the overlay, on the layer below or on none', async () => {
    await forAnyLayers(async (baseFormat) => {
      keep('top');
      const below = [digestOf(at('middle')), digestOf(at('base'))];
      await pullInto({ overlay: at('top'), onto: { path: 'base', format: baseFormat } });
      expect(await layersOf('top')).toEqual(['top', 'base']);
      expect(same('top')).toBe(true);
      await pullInto({ overlay: at('top'), onto: null });
      expect(await layersOf('top')).toEqual(['top']);
      expect(same('top')).toBe(true);
      expect(await check({ path: at('top') })).toMatchObject({ ok: true, leaks: 0 });
      expect([digestOf(at('middle')), digestOf(at('base'))]).toEqual(below);
    });
  }, 120_000);

  it('works onto nothing, below a grown disk, and with a name like a protocol', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('nbd:base'), '1M');
    io(at('nbd:base'), ['write -P 1 0 1M']);
    await overlay('middle', 'nbd:base', 'qcow2', size);
    io(at('middle'), ['write -P 2 512k 1M']);
    await overlay('top', 'middle', 'qcow2', 2 * size);
    io(at('top'), [`write -P 3 ${2 * size - mebibyte} 1M`, 'write -z 0 100k']);
    copyFileSync(at('top'), at('other'));
    keep('top');
    keep('other');
    await pullInto({ overlay: at('top'), onto: { path: 'nbd:base', format: 'qcow2' } });
    expect(await layersOf('top')).toEqual(['top', 'nbd:base']);
    expect((await readChain(at('top'), { inside: [at('.')] })).backingName).toBe('./nbd:base');
    await pullInto({ overlay: at('other'), onto: null });
    expect(await layersOf('other')).toEqual(['other']);
    expect([same('top'), same('other')]).toEqual([true, true]);
  });

  it('does nothing when repeated', async () => {
    await three([['write -P 1 0 1M'], ['write -P 2 512k 1M'], []]);
    const onto = { path: 'base', format: 'qcow2' } as const;
    await pullInto({ overlay: at('top'), onto });
    const before = readFileSync(at('top'));
    await pullInto({ overlay: at('top'), onto });
    await pullInto({ overlay: at('base'), onto: null });
    expect(readFileSync(at('top')).equals(before)).toBe(true);
  });

  it('rejects a name that a header cannot hold, and a missing layer', async () => {
    await three([[], [], []]);
    const long = pullInto({ overlay: at('top'), onto: { path: 'x'.repeat(1024), format: 'qcow2' } });
    await expect(long).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    const none = pullInto({ overlay: at('top'), onto: { path: 'none', format: 'qcow2' } });
    await expect(none).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    expect(await layersOf('top')).toEqual(['top', 'middle', 'base']);
  });
});

describe('a kill -9 of qemu-img', () => {
  /** A program that reports its pid and then becomes qemu-img. */
  function tracked(): { qemuImg: string; kill(isTime: () => boolean): Promise<void> } {
    const [qemuImg, pidFile] = [at('tracked.sh'), at('pid')];
    writeFileSync(
      qemuImg,
      `#!/bin/sh\necho $$ >'${pidFile}.tmp'\nmv '${pidFile}.tmp' '${pidFile}'\nexec qemu-img "$@"\n`,
    );
    chmodSync(qemuImg, 0o700);
    rmSync(pidFile, { force: true });
    const read = async (): Promise<number | undefined> => {
      try {
        return Number(readFileSync(pidFile, 'utf8'));
      } catch {
        return undefined;
      }
    };
    return {
      qemuImg,
      async kill(isTime) {
        const pid = (await poll(read, { deadlineMs: 10_000, maxStepMs: 5 })) ?? 0;
        // If it ends before, it is killed too late, which must be harmless too.
        const look = async () => (isTime() || !signal(pid, 0) ? true : undefined);
        expect(await poll(look, { deadlineMs: 10_000, stepMs: 1, maxStepMs: 1 })).toBe(true);
        signal(pid, 'SIGKILL');
      },
    };
  }

  /** @returns whether the process was there */
  function signal(pid: number, name: 'SIGKILL' | 0): boolean {
    try {
      return process.kill(pid, name);
    } catch {
      return false;
    }
  }

  /** When a file takes so many bytes more than now. */
  function grown(name: string, bytes: number): () => boolean {
    const before = statSync(at(name)).blocks * 512;
    return () => statSync(at(name)).blocks * 512 >= before + bytes;
  }

  const moments = [
    ['begins', 0],
    ['has begun to write', 1],
    ['has written some', 256 * 1024],
  ] as const;

  it.each(moments)(
    'in commitInto, when it %s: all is there, and it can be done again',
    async (_moment, bytes) => {
      await three([scattered(1, 512 * 1024), scattered(20, 128 * 1024), ['write -P 99 1M 64k']]);
      keep('top');
      keep('middle');
      const options = { overlay: at('middle'), base: at('base'), baseFormat: 'qcow2' } as const;
      const { qemuImg: tool, kill } = tracked();
      const killing = kill(grown('base', bytes));
      await Promise.allSettled([commitInto({ ...options, qemuImg: tool })]);
      await killing;
      expect([same('top'), same('middle')]).toEqual([true, true]);
      await repairLeaks({ path: at('base') });
      expect(await check({ path: at('base') })).toMatchObject({ ok: true, leaks: 0 });
      await commitInto(options);
      expect([same('top'), same('middle')]).toEqual([true, true]);
      copyFileSync(at('middle.kept'), at('base.kept'));
      expect(same('base')).toBe(true);
      expect(await check({ path: at('base') })).toMatchObject({ ok: true, leaks: 0 });
    },
  );

  it.each(moments)(
    'in pullInto, when it %s: all is there, and it can be done again',
    async (_moment, bytes) => {
      await three([scattered(1, 512 * 1024), scattered(20, 128 * 1024), ['write -P 99 1M 64k']]);
      keep('top');
      const options = { overlay: at('top'), onto: { path: 'base', format: 'qcow2' } } as const;
      const { qemuImg: tool, kill } = tracked();
      const killing = kill(grown('top', bytes));
      await Promise.allSettled([pullInto({ ...options, qemuImg: tool })]);
      await killing;
      expect(same('top')).toBe(true);
      await repairLeaks({ path: at('top') });
      expect(await check({ path: at('top') })).toMatchObject({ ok: true, leaks: 0 });
      await pullInto(options);
      expect([same('top'), await layersOf('top')]).toEqual([true, ['top', 'base']]);
      expect(await check({ path: at('top') })).toMatchObject({ ok: true, leaks: 0 });
    },
  );

  it('is as harmless as a cancellation', async () => {
    await three([[], scattered(20, 64 * 1024), []]);
    keep('top');
    const controller = new AbortController();
    const { qemuImg: tool } = tracked();
    const progress = silentProgress(controller.signal);
    const run = pullInto({
      overlay: at('top'),
      onto: { path: 'base', format: 'qcow2' },
      qemuImg: tool,
      progress,
    });
    const started = poll(async () => readdirSync(at('.')).includes('pid') || undefined, {
      deadlineMs: 10_000,
    });
    void started.then(() => controller.abort());
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(same('top')).toBe(true);
    const late = commitInto({ overlay: at('top'), base: at('middle'), baseFormat: 'qcow2', progress });
    await expect(late).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
