import { readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { describe, expect } from 'vitest';
import { homeNames } from '../../src/store/names.ts';
import { changeJson, damaged, overwrite } from '../support/damage.ts';
import type { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import { refusal } from '../support/refusal.ts';
import { expectSeen } from '../support/scratch.ts';
import {
  expectLeftBroken,
  expectLeftRefused,
  expectRestUsable,
  left,
  twoBranches,
  uidOf,
} from '../support/two-branches.ts';

const it = guestTest(twoBranches);

const fromDisks = 'kame snapshot revert demo left --no-start and then kame start demo --discard-state';

/** The record of the engine that saved the memory of `left`. */
const recordOf = (demo: Guest) => demo.file('checkpoints', uidOf.left, 'engine.json');

/** As if another engine had saved it. */
const savedBy = (record: string, change: Record<string, unknown>) => async () =>
  await changeJson(record, (value) => Object.assign(value['engine'] as object, change));

describe('a saved memory that does not fit', () => {
  it('is refused by name, with what to do', async ({ home, demo }) => {
    const record = recordOf(demo);
    const { machineType } = await demo.details();
    for (const [change, message, remedy] of [
      [{ version: '8.0.0' }, 'engine QEMU 8.0 (now QEMU 7.2)', 'KAME_QEMU_DIR'],
      [{ accelerator: 'kvm' }, 'accelerator kvm (now tcg)', 'kame set demo kame.accelerator=kvm'],
      [
        { machineType: 'virt-8.0' },
        `machine type virt-8.0 (now ${machineType})`,
        'kame.machineType=virt-8.0',
      ],
      [
        { cpu: 'cortex-a53', memoryMiB: 256 },
        /CPU cortex-a53 \(now .*\); memory size 256 MiB \(now 192 MiB\)/,
        'memory=256MiB',
      ],
    ] as const) {
      await damaged(record, savedBy(record, change), async () => {
        await expectLeftRefused(demo, 5, message);
        const { stderr } = await home.kame(['snapshot', 'revert', 'demo', 'left']);
        expect(stderr).toContain(remedy);
        expect(stderr).toContain(fromDisks);
      });
    }
  });

  it('is refused when its files are damaged', async ({ home, demo }) => {
    const record = recordOf(demo);
    const file = (name: string) => demo.file('checkpoints', uidOf.left, name);
    for (const [name, change, message] of [
      ['state', async () => await truncate(file('state'), 5000), 'its device state is missing or truncated'],
      ['state', async () => await rm(file('state')), 'its device state is missing or truncated'],
      ['ram', async () => await rm(file('ram')), 'its RAM is missing or truncated'],
      ['ram', async () => await truncate(file('ram'), 4096), 'its RAM is missing or truncated'],
      ['engine.json', async () => await writeFile(record, '{"format":1'), 'engine.json is malformed'],
      [
        'engine.json',
        async () => await writeFile(record, Buffer.alloc(5_000_000, '[')),
        'engine.json cannot be read',
      ],
      ['engine.json', async () => await rm(record), 'engine.json cannot be read'],
      [
        'engine.json',
        async () =>
          await changeJson(record, ({ ram }) => Object.assign(ram as object, { extents: [[0, 2 ** 40]] })),
        'engine.json is malformed',
      ],
    ] as const) {
      await damaged(file(name), change, async () => await expectLeftBroken(demo, 5, message));
    }
    await damaged(
      record,
      async () => await rm(record),
      async () => {
        const { stderr } = await home.kame(['snapshot', 'revert', 'demo', 'left']);
        expect(stderr).toContain(fromDisks);
        expect(await demo.revert('left', '--no-start')).toMatchObject({ state: 'suspended' });
        expect(await demo.start('--discard-state')).toMatchObject({ state: 'running' });
        await expectSeen(demo, left);
      },
    );
    await expectRestUsable(demo);
    expect(await demo.tree()).toEqual(['/base', '/base/left', '/base/right *']);
  });

  it('of a suspended machine leaves it suspended, and --discard-state starts it', async ({ home, demo }) => {
    const record = recordOf(demo);
    expect(await demo.revert('left', '--no-start')).toMatchObject({ state: 'suspended' });
    const state = demo.file('checkpoints', uidOf.left, 'state');
    const { size } = await stat(state);
    for (const [path, change, message] of [
      [record, savedBy(record, { version: '8.0.0' }), 'engine QEMU 8.0'],
      [state, async () => await truncate(state, 5000), 'its device state is missing or truncated'],
      // Of the right size, and nonsense.
      [
        state,
        async () => await overwrite(state, 4096, Buffer.alloc(size - 4096, 0xa5)),
        'QEMU refused the saved state',
      ],
    ] as const) {
      await damaged(path, change, async () => {
        const result = await home.kame(['start', 'demo']);
        expect(result).toEqual(refusal(5, message));
        expect(result.stderr).toContain('--discard-state');
        expect(await demo.state()).toBe('suspended');
        expect(await home.engines()).toEqual([]);
        expect(await readdir(homeNames(home.path).ram)).toEqual([]);
      });
    }
    await damaged(record, savedBy(record, { version: '8.0.0' }), async () => {
      expect(await demo.start('--discard-state')).toMatchObject({ state: 'running' });
      await expectSeen(demo, left);
    });
    // The snapshot has its memory still.
    expect(await demo.revert('left')).toMatchObject({ state: 'running' });
    await expectSeen(demo, left);
  });
});
