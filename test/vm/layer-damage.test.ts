import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { damaged, overwrite } from '../support/damage.ts';
import { guestTest } from '../support/guest-test.ts';
import { refusal } from '../support/refusal.ts';
import { expectSeen, expectShown } from '../support/scratch.ts';
import {
  expectLeftBroken,
  expectRestUsable,
  layerOf,
  left,
  right,
  traces,
  twoBranches,
  uidOf,
} from '../support/two-branches.ts';

const it = guestTest(twoBranches);

describe('a layer of a disk', () => {
  it('that is truncated, missing, cyclic or foreign is refused by name', async ({ home, demo }) => {
    const layer = await layerOf(demo, uidOf.left);
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
      await damaged(layer, change, async () => await expectLeftBroken(demo, 1, message));
    }
    await damaged(
      layer,
      async () => await rm(layer),
      async () => await expectRestUsable(demo),
    );
  });

  it('that the machine uses now leaves the other snapshots usable', async ({ home, demo }) => {
    await demo.revert('left');
    await demo.stop();
    const layer = await layerOf(demo, uidOf.left);
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

  it('with a flipped bit in its tables is refused by name', async ({ demo }) => {
    const layer = await layerOf(demo, uidOf.left);
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
          async () => await expectLeftBroken(demo, 1, layer),
        );
      }
    }
    expect(await demo.revert('left')).toMatchObject({ state: 'running' });
    await expectSeen(demo, left);
  });
});

describe('a .vmsd from elsewhere', () => {
  it('harms nothing: cycles, files outside the machine, malformed data', async ({ home, demo }) => {
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
          const unchanged = await traces(demo);
          for (const args of [
            ['snapshot', 'revert', 'demo', 'left'],
            ['snapshot', 'revert', 'demo', 'left', '--no-start'],
            ['clone', 'demo', 'copy', '--full', '--snapshot', 'left'],
            ['clone', 'demo', 'copy', '--linked', '--snapshot', 'left'],
          ]) {
            const { code, stderr } = await home.kame(args);
            expect({ name, args, code, stderr }).toMatchObject({ code: 1 });
          }
          expect({ name, ...(await traces(demo)) }).toEqual({ name, ...unchanged });
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
        const listed = await home.kame(['snapshot', 'list', 'demo']);
        expect(listed).toEqual(refusal(4, 'demo.vmsd'));
        expect(listed.stderr).not.toContain('\u001B');
      },
    );
    expect(await readFile(secret)).toEqual(before);
    expect(await readdir(join(home.path, 'machines'))).toEqual(['demo.vmwarevm']);
    await expectShown(await layerOf(demo, uidOf.left), left);
    await expectShown(await layerOf(demo, uidOf.right), right);
    expect(await demo.revert('left')).toMatchObject({ state: 'running' });
    await expectSeen(demo, left);
  });
});
