import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { parseVmx, printVmx, type VmxDocument } from '../../src/vmx/document.ts';
import { add } from '../../src/vmx/snapshot-tree.ts';
import { readSnapshots, writeSnapshots, type SnapshotTree } from '../../src/vmx/snapshots.ts';
import { fuzz } from './fuzz.ts';
import { vmsdCorpus } from './samples.ts';

const taken = {
  displayName: 'new',
  description: '',
  withMemory: false,
  createdAt: new Date(1000),
  fileName: 'a.vmsn',
  disks: [{ slot: 'nvme0:0', fileName: 'x.qcow2' }],
  clones: [],
  tiers: [],
};

/** A snapshot taken on a foreign tree is in the file with all others. */
function take(document: VmxDocument, tree: SnapshotTree): void {
  const wanted = add(tree, taken);
  const written = parseVmx(printVmx(writeSnapshots(document, wanted)), 'a.vmsd');
  if (!isDeepStrictEqual(readSnapshots(written).tree, wanted)) throw new Error('It is written otherwise.');
}

it('reads any .vmsd to a tree of snapshots, to which one can be added', async () => {
  let writes = 0;
  const { read, refused } = await fuzz(vmsdCorpus, (input) => {
    const document = parseVmx(input, 'a.vmsd');
    const { tree } = readSnapshots(document);
    // Writing takes much longer than reading.
    if (input.length % 8 !== 0) return;
    take(document, tree);
    writes += 1;
  });
  expect([read > 0, writes > 0]).toEqual([true, true]);
  expect([...refused.keys()]).toEqual(['BROKEN_MACHINE']);
});
