import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { add } from '../vmx/snapshot-tree.ts';
import { emptyTree } from '../vmx/snapshot-model.ts';
import type { SnapshotTree } from '../vmx/snapshots.ts';
import { machineNames, type MachineNames } from './names.ts';
import { changeSnapshotTree, readSnapshotFile, writeSnapshotTree } from './snapshot-file.ts';

const temporary = useTemporaryDirectory();

const snapshot = (displayName: string) => ({
  displayName,
  description: '',
  withMemory: false,
  createdAt: new Date(0),
  fileName: 'x.vmsn',
  disks: [],
  clones: [],
  tiers: [],
});

function withClone(tree: SnapshotTree, path: string): SnapshotTree {
  const snapshots = tree.snapshots.map((each) => ({ ...each, clones: [...each.clones, path] }));
  return {
    ...tree,
    snapshots,
    related: [...tree.related, { path, uuid: '564d1122-3344-5566-7788-99aabbccdd01' }],
  };
}

async function withFile(work: (names: MachineNames) => Promise<void>): Promise<void> {
  const names = machineNames(join(temporary(), 'a.vmx'));
  await writeSnapshotTree(names, await readSnapshotFile(names), add(emptyTree, snapshot('one')));
  await work(names);
}

describe('changes of a .vmsd at the same time', () => {
  it('are all made', async () => {
    await withFile(async (names) => {
      const paths = ['/a.vmx', '/b.vmx', '/c.vmx'];
      await Promise.all(
        paths.map(async (path) => await changeSnapshotTree(names, (tree) => withClone(tree, path))),
      );
      const { tree } = await readSnapshotFile(names);
      expect(tree.snapshots[0]?.clones).toEqual(paths);
      expect(tree.related.map(({ path }) => path)).toEqual(paths);
    });
  });

  it('keep a clone that was recorded after the holder of the machine had read it', async () => {
    await withFile(async (names) => {
      const read = await readSnapshotFile(names);
      await changeSnapshotTree(names, (tree) => withClone(tree, '/a.vmx'));
      await writeSnapshotTree(names, read, add(read.tree, snapshot('two')));
      const { tree } = await readSnapshotFile(names);
      expect(tree.snapshots.map(({ displayName, clones }) => [displayName, clones])).toEqual([
        ['one', ['/a.vmx']],
        ['two', []],
      ]);
      expect(tree.related).toHaveLength(1);
    });
  });

  it('continue after one that failed, and write nothing when nothing differs', async () => {
    const names = machineNames(join(temporary(), 'a.vmx'));
    const failing = changeSnapshotTree(names, () => {
      throw new Error('no');
    });
    const next = changeSnapshotTree(names, (tree) => ({ ...tree }));
    await expect(failing).rejects.toThrow('no');
    await next;
    expect(existsSync(names.snapshots)).toBe(false);
  });
});
