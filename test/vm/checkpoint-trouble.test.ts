import { copyFile, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { SnapshotDetails } from '../../src/api/checkpoint.ts';
import { poll } from '../../src/core/deadline.ts';
import { homeNames } from '../../src/store/names.ts';
import {
  emptyContent,
  expectSeen,
  expectShown,
  expectWholeLayers,
  Guest,
  type Content,
} from '../support/checkpoints.ts';
import { demo, home } from '../support/one-guest.ts';
import { refusal } from '../support/refusal.ts';

// The file's guest has a tree of which one branch is damaged:
//   /base (disks), /base/left (memory), /base/right (memory), and the machine goes on from right.
const left: Content = emptyContent.with(3, 0x11);
const right: Content = emptyContent.with(3, 0x22);

beforeAll(async () => {
  await demo.take('base', '--disk-only');
  await demo.write(new Map([[3, 0x11]]));
  await demo.take('left');
  await demo.revert('base');
  await demo.start();
  await demo.write(new Map([[3, 0x22]]));
  await demo.take('right');
});

function keepEvidence(name: string): void {
  onTestFailed(async () => await home.postMortem(`checkpoint-trouble ${name}`));
}

const uidOf = { base: '1', left: '2', right: '3' };

/** Changes a file for the time of `work`. */
async function damaged(
  path: string,
  change: () => Promise<unknown>,
  work: () => Promise<void>,
): Promise<void> {
  await copyFile(path, `${path}.whole`);
  try {
    await change();
    await work();
  } finally {
    await rename(`${path}.whole`, path);
  }
}

async function changeJson(path: string, change: (value: Record<string, unknown>) => void): Promise<void> {
  const value = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  change(value);
  await writeFile(path, JSON.stringify(value));
}

async function overwrite(path: string, position: number, bytes: Buffer): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, position);
}

/** What a refused command may not have changed. */
async function traces(): Promise<unknown> {
  const { state, pid } = await demo.details();
  const files = (await readdir(demo.directory)).filter((name) => !name.endsWith('.log')).toSorted();
  const vmx = await readFile(demo.file('demo.vmx'), 'utf8');
  const vmsd = await readFile(demo.file('demo.vmsd'), 'utf8');
  return { state, pid, files, vmx, vmsd, checkpoints: await readdir(demo.file('checkpoints')) };
}

/** A revert to the damaged branch is refused before anything is touched; the rest of the tree is as good as before. */
async function expectLeftRefused(code: number, message: RegExp | string): Promise<void> {
  const before = await traces();
  expect(await home.kame(['snapshot', 'revert', 'demo', 'left'])).toEqual(refusal(code, message));
  expect(await traces()).toEqual(before);
  expect(await demo.tree()).toEqual(['/base', '/base/left', '/base/right *']);
}

/** The same, and the snapshot itself tells why. */
async function expectLeftBroken(code: number, message: RegExp | string): Promise<void> {
  await expectLeftRefused(code, message);
  const { problems } = await home.json<SnapshotDetails>('snapshot', 'show', 'demo', 'left');
  expect(problems).toEqual([expect.stringMatching(/./)]);
}

async function expectRestUsable(): Promise<void> {
  expect(await demo.revert('base')).toMatchObject({ state: 'stopped' });
  expect(await demo.revert('right')).toMatchObject({ state: 'running' });
  await expectSeen(demo, right);
}

async function layerOf(uid: string): Promise<string> {
  const vmsd = await demo.vmsd();
  const at = Object.keys(vmsd).find((key) => /^snapshot\d+\.uid$/.test(key) && vmsd[key] === uid) ?? '';
  return demo.file(vmsd[at.replace('uid', 'disk0.fileName')] ?? '');
}

describe('a device that can’t be saved', () => {
  it('is named with what to do, before anything is touched', async () => {
    keepEvidence('nvme');
    const nvme = new Guest(home, 'nvme');
    await home.json('create', 'nvme', '--memory', '192MiB', '--set', 'kame.nvme0.device=nvme');
    await nvme.start('--wait', 'none');
    const before = {
      files: await readdir(nvme.directory),
      vmx: await readFile(nvme.file('nvme.vmx'), 'utf8'),
    };
    for (const args of [
      ['snapshot', 'take', 'nvme', 'a'],
      ['suspend', 'nvme'],
      ['clone', 'nvme', 'copy', '--instant'],
    ]) {
      const result = await home.kame(args);
      expect({ args, ...result }).toEqual({ args, ...refusal(4, 'nvme0, an NVMe controller') });
      expect(result.stderr).toContain('kame set nvme kame.nvme0.device=virtio-blk');
      expect(result.stderr).toContain('--disk-only');
    }
    const after = {
      files: await readdir(nvme.directory),
      vmx: await readFile(nvme.file('nvme.vmx'), 'utf8'),
    };
    expect(after).toEqual(before);
    expect(await nvme.state()).toBe('running');
    expect(await nvme.take('disks', '--disk-only')).toMatchObject({ memory: false });
    await nvme.stop();
    await home.json('set', 'nvme', 'kame.nvme0.device=virtio-blk');
    await nvme.start('--wait', 'none');
    expect(await nvme.take('all')).toMatchObject({ memory: true });
    await nvme.stop();
    await home.json('delete', 'nvme', '--yes');
  });
});

describe('a saved memory that does not fit', () => {
  const record = () => demo.file('checkpoints', uidOf.left, 'engine.json');
  const engine = (change: Record<string, unknown>) => async () =>
    await changeJson(record(), (value) => Object.assign(value['engine'] as object, change));

  const fromDisks = 'kame snapshot revert demo left --no-start and then kame start demo --discard-state';

  it('is refused by name, with what to do', async () => {
    keepEvidence('mismatch');
    const { machineType } = await demo.details();
    for (const [change, message, remedy] of [
      [{ version: '8.0.0' }, 'another engine QEMU 8.0, now QEMU 7.2', 'KAME_QEMU_DIR'],
      [{ accelerator: 'kvm' }, 'another accelerator kvm, now tcg', 'kame set demo kame.accelerator=kvm'],
      [
        { machineType: 'virt-8.0' },
        `another machine type virt-8.0, now ${machineType}`,
        'kame.machineType=virt-8.0',
      ],
      [
        { cpu: 'cortex-a53', memoryMiB: 256 },
        /another CPU cortex-a53, now .*; memory size 256 MiB, now 192 MiB/,
        'memory=256MiB',
      ],
    ] as const) {
      await damaged(record(), engine(change), async () => {
        await expectLeftRefused(5, message);
        const { stderr } = await home.kame(['snapshot', 'revert', 'demo', 'left']);
        expect(stderr).toContain(remedy);
        expect(stderr).toContain(fromDisks);
      });
    }
  });

  it('is refused when its files are damaged', async () => {
    keepEvidence('damaged memory');
    const file = (name: string) => demo.file('checkpoints', uidOf.left, name);
    for (const [name, change, message] of [
      ['state', async () => await truncate(file('state'), 5000), 'its device state is missing or truncated'],
      ['state', async () => await rm(file('state')), 'its device state is missing or truncated'],
      ['ram', async () => await rm(file('ram')), 'its RAM is missing or truncated'],
      ['ram', async () => await truncate(file('ram'), 4096), 'its RAM is missing or truncated'],
      ['engine.json', async () => await writeFile(record(), '{"format":1'), 'engine.json is malformed'],
      [
        'engine.json',
        async () => await writeFile(record(), Buffer.alloc(5_000_000, '[')),
        'engine.json cannot be read',
      ],
      ['engine.json', async () => await rm(record()), 'engine.json cannot be read'],
      [
        'engine.json',
        async () =>
          await changeJson(record(), ({ ram }) => Object.assign(ram as object, { extents: [[0, 2 ** 40]] })),
        'engine.json is malformed',
      ],
    ] as const) {
      await damaged(file(name), change, async () => await expectLeftBroken(5, message));
    }
    await damaged(
      record(),
      async () => await rm(record()),
      async () => {
        const { stderr } = await home.kame(['snapshot', 'revert', 'demo', 'left']);
        expect(stderr).toContain(fromDisks);
        expect(await demo.revert('left', '--no-start')).toMatchObject({ state: 'suspended' });
        expect(await demo.start('--discard-state')).toMatchObject({ state: 'running' });
        await expectSeen(demo, left);
      },
    );
    await expectRestUsable();
    expect(await demo.tree()).toEqual(['/base', '/base/left', '/base/right *']);
  });

  it('of a suspended machine leaves it suspended, and --discard-state starts it', async () => {
    keepEvidence('suspended mismatch');
    expect(await demo.revert('left', '--no-start')).toMatchObject({ state: 'suspended' });
    const state = demo.file('checkpoints', uidOf.left, 'state');
    const { size } = await stat(state);
    for (const [path, change, message] of [
      [record(), engine({ version: '8.0.0' }), 'another engine QEMU 8.0'],
      [state, async () => await truncate(state, 5000), 'its device state is missing or truncated'],
      // Of the right size, and nonsense.
      [
        state,
        async () => await overwrite(state, 4096, Buffer.alloc(size - 4096, 0xa5)),
        'The saved state does not fit',
      ],
    ] as const) {
      await damaged(path, change, async () => {
        const result = await home.kame(['start', 'demo']);
        expect(result).toEqual(refusal(5, message));
        expect(result.stderr).toContain('--discard-state');
        expect(await demo.state()).toBe('suspended');
        expect(await home.engines()).toEqual([]);
        expect(await readdir(homeNames(home.path).ram).catch(() => [])).toEqual([]);
      });
    }
    await damaged(record(), engine({ version: '8.0.0' }), async () => {
      expect(await demo.start('--discard-state')).toMatchObject({ state: 'running' });
      await expectSeen(demo, left);
    });
    // The snapshot has its memory still.
    expect(await demo.revert('left')).toMatchObject({ state: 'running' });
    await expectSeen(demo, left);
    await demo.revert('right');
  });
});

describe('a layer of a disk', () => {
  it('that is truncated, missing, cyclic or foreign is refused by name', async () => {
    keepEvidence('layers');
    const layer = await layerOf(uidOf.left);
    const rebase = (backing: string, format: string) => async () =>
      await execa('qemu-img', ['rebase', '-u', '-f', 'qcow2', '-F', format, '-b', backing, layer]);
    const outside = join(home.path, 'outside.qcow2');
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', outside, '511M']);
    for (const [change, message] of [
      [async () => await truncate(layer, 70_000), layer],
      [async () => await truncate(layer, 0), layer],
      [async () => await rm(layer), layer],
      [rebase(layer, 'qcow2'), 'is part of a loop'],
      [rebase('/etc/passwd', 'raw'), '"/etc/passwd" is outside the machine'],
      [rebase(outside, 'qcow2'), 'is outside the machine'],
      [rebase('nbd:localhost:1', 'raw'), 'is not a file'],
      [rebase('gone.qcow2', 'qcow2'), 'gone.qcow2 does not exist'],
    ] as const) {
      await damaged(layer, change, async () => await expectLeftBroken(1, message));
    }
    await damaged(layer, async () => await rm(layer), expectRestUsable);
  });

  it('that the machine stands on now leaves the other snapshots usable', async () => {
    keepEvidence('damaged under the machine');
    await demo.revert('left');
    await home.json('stop', 'demo', '--hard');
    const layer = await layerOf(uidOf.left);
    await damaged(
      layer,
      async () => await truncate(layer, 70_000),
      async () => {
        expect(await home.kame(['start', 'demo'])).toEqual(refusal(1, layer));
        expect(await demo.revert('right')).toMatchObject({ state: 'running' });
        await expectSeen(demo, right);
      },
    );
  });

  it('with a flipped bit in its tables is refused by name', async () => {
    keepEvidence('bit flip');
    const layer = await layerOf(uidOf.left);
    const bytes = await readFile(layer);
    // qcow2 header: the offset of the L1 table is at byte 40; entries have 8 bytes, offsets in bits 9 to 55.
    const l1 = Number(bytes.readBigUInt64BE(40));
    const offsetMask = 0x00ff_ffff_ffff_fe00n;
    const entries = Array.from({ length: bytes.readUInt32BE(36) }, (_none, at) => l1 + at * 8);
    const l1Entry = entries.find((at) => (bytes.readBigUInt64BE(at) & offsetMask) !== 0n) ?? 0;
    const l2 = Number(bytes.readBigUInt64BE(l1Entry) & offsetMask);
    const l2Entry =
      Array.from({ length: 8192 }, (_none, at) => l2 + at * 8).find(
        (at) => at + 8 <= bytes.length && (bytes.readBigUInt64BE(at) & offsetMask) !== 0n,
      ) ?? 0;
    for (const entry of [l1Entry, l2Entry]) {
      for (const bit of [44n, 9n]) {
        const flipped = Buffer.alloc(8);
        flipped.writeBigUInt64BE(bytes.readBigUInt64BE(entry) ^ (1n << bit));
        await damaged(
          layer,
          async () => await overwrite(layer, entry, flipped),
          async () => await expectLeftBroken(1, layer),
        );
      }
    }
    expect(await demo.revert('left')).toMatchObject({ state: 'running' });
    await expectSeen(demo, left);
    await demo.revert('right');
  });
});

describe('a .vmsd from elsewhere', () => {
  it('harms nothing: circles, files outside of the machine, nonsense', async () => {
    keepEvidence('hostile vmsd');
    const vmsd = demo.file('demo.vmsd');
    const secret = join(home.path, 'outside.qcow2');
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', secret, '511M']);
    const before = await readFile(secret);
    const rewrite = async (change: (text: string) => string) =>
      await writeFile(vmsd, change(await readFile(vmsd, 'utf8')));
    const list = async () => (await demo.snapshots()).map(({ label }) => label).toSorted();

    for (const name of [
      '../../outside.qcow2',
      secret,
      '/etc/passwd',
      'sub/../../../outside.qcow2',
      'none.qcow2',
    ]) {
      const disk = `snapshot1.disk0.fileName = "${name}"`;
      await damaged(
        vmsd,
        async () => await rewrite((text) => text.replace(/^snapshot1\.disk0\.fileName = .*$/m, disk)),
        async () => {
          expect(await list()).toEqual(['base', 'left', 'right']);
          const unchanged = await traces();
          for (const args of [
            ['snapshot', 'revert', 'demo', 'left'],
            ['snapshot', 'revert', 'demo', 'left', '--no-start'],
            ['clone', 'demo', 'copy', '--full', '--snapshot', 'left'],
            ['clone', 'demo', 'copy', '--linked', '--snapshot', 'left'],
          ]) {
            const { code, stderr } = await home.kame(args);
            expect({ name, args, code, stderr }).toMatchObject({ code: 1 });
          }
          expect({ name, ...((await traces()) as object) }).toEqual({ name, ...(unchanged as object) });
        },
      );
    }
    const circle = (text: string) =>
      text
        .replace(/^snapshot0\.uid.*$/m, '$&\nsnapshot0.parent = "3"')
        .replace(/^snapshot1\.parent = .*$/m, 'snapshot1.parent = "2"');
    await damaged(
      vmsd,
      async () => await rewrite(circle),
      async () => {
        expect(await list()).toEqual(['base', 'left', 'right']);
        expect(await demo.revert('right')).toMatchObject({ state: 'running' });
        await expectSeen(demo, right);
      },
    );
    await damaged(
      vmsd,
      async () =>
        await writeFile(
          vmsd,
          'snapshot.current = "9999999999999"\nsnapshot0.uid = "x"\n\0\x1b[2J nonsense\n',
        ),
      async () => {
        const { code, stdout } = await home.kame(['snapshot', 'list', 'demo', '--json']);
        expect({ code, stdout }).not.toMatchObject({ stdout: expect.stringContaining('\u001B') as string });
        expect([0, 4]).toContain(code);
      },
    );
    expect(await readFile(secret)).toEqual(before);
    expect(await readdir(join(home.path, 'machines'))).toEqual(['demo.vmwarevm']);
    await expectShown(await layerOf(uidOf.left), left);
    await expectShown(await layerOf(uidOf.right), right);
    expect(await demo.revert('left')).toMatchObject({ state: 'running' });
    await expectSeen(demo, left);
  });
});

describe('a merge whose .vmx can’t be written', () => {
  it('is undone in the engine, and done later; the guest loses nothing', async () => {
    keepEvidence('merge without .vmx');
    await demo.revert('right');
    await demo.sh('head -c 70000000 /dev/urandom >/root/before; sync');
    await demo.take('mid', '--disk-only');
    await demo.sh('head -c 40000000 /dev/urandom >/root/middle; sync');
    const vmx = demo.file('demo.vmx');
    const top = await demo.top();
    const deleting = home.kame(['snapshot', 'delete', 'demo', 'mid', '--json']);
    const isGone = async () =>
      (await readFile(demo.file('demo.vmsd'), 'utf8')).includes('"mid"') ? undefined : true;
    expect(await poll(isGone, { deadlineMs: 20_000, stepMs: 1, maxStepMs: 2 })).toBe(true);
    await rename(vmx, `${vmx}.away`);
    const { stdout } = await deleting;
    expect(stdout).toContain('is not merged with the layer beneath it yet');
    await rename(`${vmx}.away`, vmx);
    expect(await readFile(vmx, 'utf8')).toContain(basename(top));
    // What the guest writes now must be there for whoever opens the layer that the .vmx names.
    await demo.sh('head -c 5000000 /dev/urandom >/root/after; sync');
    const sums = 'echo 3 >/proc/sys/vm/drop_caches; md5sum /root/before /root/middle /root/after';
    const before = await demo.sh(sums);
    await demo.take('last', '--disk-only');
    await home.json('snapshot', 'delete', 'demo', 'last');
    expect((await demo.vmsd())['snapshot.needConsolidate'] ?? 'FALSE').toBe('FALSE');
    expect(await demo.sh(sums)).toBe(before);
    await demo.stop();
    await expectWholeLayers(demo);
    await demo.start();
    expect(await demo.sh(sums)).toBe(before);
  });
});

describe('an operation under way', () => {
  it('keeps others out until it has ended', async () => {
    keepEvidence('busy');
    await demo.revert('right');
    const { pid } = await demo.details();
    // An engine that stands still keeps the operation from ending.
    process.kill(pid ?? 0, 'SIGSTOP');
    let went = false;
    try {
      const takes = ['one', 'two'].map((label) => home.kame(['snapshot', 'take', 'demo', label]));
      const loser = await Promise.race(takes);
      expect(loser).toEqual(refusal(4, 'demo can’t be snapshotted: it is being snapshotted'));
      for (const args of [
        ['snapshot', 'delete', 'demo', 'left'],
        ['snapshot', 'revert', 'demo', 'left'],
        ['suspend', 'demo'],
        ['clone', 'demo', 'copy', '--instant'],
        ['pause', 'demo'],
      ]) {
        expect({ args, ...(await home.kame(args)) }).toEqual({
          args,
          ...refusal(4, 'it is being snapshotted'),
        });
      }
      process.kill(pid ?? 0, 'SIGCONT');
      went = true;
      expect((await Promise.all(takes)).map(({ code }) => code).toSorted((a, b) => a - b)).toEqual([0, 4]);
    } finally {
      if (!went) process.kill(pid ?? 0, 'SIGCONT');
    }
    await expectSeen(demo, right);
    const third = (await demo.snapshots()).find(({ label }) => label === 'one' || label === 'two');
    await home.json('snapshot', 'delete', 'demo', third?.label ?? '');
    await demo.stop();
    await expectWholeLayers(demo);
  });
});
