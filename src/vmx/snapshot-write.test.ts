import { describe, expect, it } from 'vitest';
import { taken } from '../../test/support/taken-snapshot.ts';
import { again, parse, print } from '../../test/support/vmx-text.ts';
import { emptyDocument, getText, parseVmx, printVmx } from './document.ts';
import { emptyTree, type SnapshotTree } from './snapshot-model.ts';
import { add, remove, rename } from './snapshot-tree.ts';
import { readSnapshots, writeSnapshots } from './snapshots.ts';

function threeSnapshots(): SnapshotTree {
  const clean = add(emptyTree, { ...taken, clones: ['/vm/child/child.vmx'] });
  const running = add(clean, {
    ...taken,
    displayName: 'running "here"',
    description: 'two\nlines',
    withMemory: true,
    fileName: 'web-Snapshot2.vmsn',
    disks: [{ slot: 'nvme0:0', fileName: 'web-000001.vmdk', mode: 'persistent' }],
  });
  return add(
    { ...running, current: 1 },
    { ...taken, displayName: 'automatic', tiers: [1, 2], fileName: 'c.vmsn' },
  );
}

const golden = `.encoding = "UTF-8"
snapshot.lastUID = "3"
snapshot.current = "3"
snapshot0.uid = "1"
snapshot0.filename = "web-Snapshot1.vmsn"
snapshot0.displayName = "clean"
snapshot0.createTimeHigh = "412661"
snapshot0.createTimeLow = "900915344"
snapshot0.numDisks = "1"
snapshot0.disk0.fileName = "web.vmdk"
snapshot0.disk0.node = "nvme0:0"
snapshot0.clone0 = "/vm/child/child.vmx"
snapshot0.numClones = "1"
snapshot1.uid = "2"
snapshot1.filename = "web-Snapshot2.vmsn"
snapshot1.parent = "1"
snapshot1.displayName = "running |22here|22"
snapshot1.description = "two|0Alines"
snapshot1.type = "1"
snapshot1.createTimeHigh = "412661"
snapshot1.createTimeLow = "900915344"
snapshot1.numDisks = "1"
snapshot1.disk0.fileName = "web-000001.vmdk"
snapshot1.disk0.node = "nvme0:0"
snapshot1.disk0.mode = "persistent"
snapshot2.uid = "3"
snapshot2.filename = "c.vmsn"
snapshot2.parent = "1"
snapshot2.displayName = "automatic"
snapshot2.createTimeHigh = "412661"
snapshot2.createTimeLow = "900915344"
snapshot2.numDisks = "1"
snapshot2.disk0.fileName = "web.vmdk"
snapshot2.disk0.node = "nvme0:0"
snapshot2.numTiers = "2"
snapshot2.tiers = "1,2"
snapshot.numSnapshots = "3"
snapshot.mru0.uid = "3"
snapshot.mru1.uid = "2"
snapshot.mru2.uid = "1"
`;

describe('writing', () => {
  it('writes three snapshots as VMware lays them out', () => {
    const doc = writeSnapshots(parse(''), threeSnapshots());
    expect(print(doc)).toBe(golden);
    expect(readSnapshots(again(doc))).toEqual({ tree: threeSnapshots(), problems: [] });
    expect(print(writeSnapshots(emptyDocument(), threeSnapshots()))).toBe(golden);
  });

  it('returns the same document for the same tree, even with wrong counts', () => {
    const doc = parse(
      'snapshot2.uid = "0x1" # mine\r\nsnapshot.numSnapshots = "7"\r\nsnapshot2.parent = "9"\r\n',
    );
    expect(writeSnapshots(doc, readSnapshots(doc).tree)).toBe(doc);
  });

  it('renumbers what follows a removed snapshot, including unknown keys and odd bytes', () => {
    const text = golden
      .replace('snapshot2.filename', '  SNAPSHOT2.Screenshot = shot.png # of three\nsnapshot2.filename')
      .replace('snapshot1.type', 'snapshot1.clientFlags = "5"\nsnapshot1.type');
    const bytes = new TextEncoder().encode(
      text.replace('snapshot.mru0', 'snapshot2.odd = "~"\nsnapshot.mru0'),
    );
    bytes[bytes.indexOf('~'.charCodeAt(0))] = 0xff;
    const doc = parseVmx(bytes);
    const written = writeSnapshots(doc, remove(readSnapshots(doc).tree, 2, { children: false }));
    expect([...printVmx(written)]).toContain(0xff);
    expect(print(written)).toBe(
      golden
        .replace(/^snapshot1\..*\n/gm, '')
        .replaceAll('snapshot2.', 'snapshot1.')
        .replace('snapshot1.filename', '  SNAPSHOT1.Screenshot = shot.png # of three\nsnapshot1.filename')
        .replace('numSnapshots = "3"', 'numSnapshots = "2"')
        .replace('snapshot.mru0', 'snapshot1.odd = "\uFFFD"\nsnapshot.mru0')
        .replace('mru1.uid = "2"', 'mru1.uid = "1"')
        .replace('snapshot.mru2.uid = "1"\n', ''),
    );
  });

  it('puts a new key of a snapshot next to its others', () => {
    const { tree } = readSnapshots(parse(golden));
    const snapshots = tree.snapshots.map((snapshot) =>
      snapshot.uid === 2 ? { ...snapshot, clones: ['/vm/b.vmx'] } : snapshot,
    );
    expect(print(writeSnapshots(parse(golden), { ...tree, snapshots }))).toBe(
      golden.replace(
        'snapshot2.uid',
        'snapshot1.clone0 = "/vm/b.vmx"\nsnapshot1.numClones = "1"\nsnapshot2.uid',
      ),
    );
  });

  it('keeps what it does not understand, after the rest', () => {
    const text = `snapshot0.uid = "bad"\nsnapshot0.note = "kept"\nsnapshot1.uid = "2"\nsnapshot1.filename = "b"\nsnapshot.numSnapshots = "2"\n`;
    const tree = add(readSnapshots(parse(text)).tree, taken);
    const doc = again(writeSnapshots(parse(text), tree));
    expect(readSnapshots(doc).tree).toEqual(tree);
    expect(getText(doc, 'snapshot2.uid')).toBe('bad');
    expect(getText(doc, 'snapshot2.note')).toBe('kept');
    expect(getText(doc, 'snapshot.numSnapshots')).toBe('2');
  });

  it('moves the keys of a disk with it', () => {
    const text = `snapshot0.uid="1"\nsnapshot0.filename="a"\nsnapshot0.disk0.node="scsi0:0"\nsnapshot0.disk0.fileName="a"\nsnapshot0.disk1.node="scsi0:1"\nsnapshot0.disk1.fileName="b"\nsnapshot0.disk1.epoch="4"\nsnapshot0.numDisks="2"\n`;
    const { tree } = readSnapshots(parse(text));
    const disks = [{ slot: 'scsi0:1', fileName: 'c' }];
    const doc = again(
      writeSnapshots(parse(text), { ...tree, snapshots: [{ ...tree.snapshots[0]!, disks }] }),
    );
    expect(print(doc)).toBe(
      `snapshot0.uid="1"\nsnapshot0.filename="a"\nsnapshot0.disk0.node="scsi0:1"\nsnapshot0.disk0.fileName="c"\nsnapshot0.disk0.epoch="4"\nsnapshot0.numDisks="1"\n`,
    );
  });

  it('keeps a time to the microsecond unless it changes', () => {
    const text = `snapshot0.uid = "1"\nsnapshot0.filename = "a"\nsnapshot0.createTimeHigh = "388745"\nsnapshot0.createTimeLow = "1991180826"\n`;
    const { tree } = readSnapshots(parse(text));
    const renamed = print(writeSnapshots(parse(text), rename(tree, 1, 'x')));
    expect(renamed).toBe(`${text}snapshot0.displayName = "x"\n`);
    expect(tree.snapshots[0]!.createdAt).toEqual(new Date('2022-11-28T15:24:12.664Z'));
  });

  it('removes current, parents, counts and the list of recently used with the last snapshot', () => {
    const { tree } = readSnapshots(parse(golden));
    const doc = writeSnapshots(parse(golden), remove(tree, 1, { children: true }));
    expect(print(doc)).toBe('.encoding = "UTF-8"\nsnapshot.lastUID = "3"\nsnapshot.numSnapshots = "0"\n');
  });

  it('lists the snapshot that was reverted to first', () => {
    const { tree } = readSnapshots(parse(golden));
    const doc = writeSnapshots(parse(golden), { ...tree, current: 1 });
    expect([0, 1, 2, 3].map((at) => getText(doc, `snapshot.mru${at}.uid`))).toEqual([
      '1',
      '3',
      '2',
      undefined,
    ]);
  });

  it('renumbers a key whose bytes have a shift sequence before its letters', () => {
    const text = 'snapshot0.uid = "1"\nsnapshot1.uid = "2"\n\x1B(Bsnapshot1.displayName = "b"\n';
    const doc = parse(`.encoding = "ISO-2022-JP"\n${text}`);
    const { tree } = readSnapshots(doc);
    expect(tree.snapshots[1]!.displayName).toBe('b');
    const written = again(writeSnapshots(doc, remove(tree, 1, { children: false })));
    expect(readSnapshots(written).tree.snapshots).toEqual([tree.snapshots[1]]);
  });

  it('writes a name in the encoding of the file, or rejects it', () => {
    const doc = parse('.encoding = "windows-1251"\r\nsnapshot.lastUID = "0"\r\n');
    const named = writeSnapshots(doc, add(emptyTree, { ...taken, displayName: 'база' }));
    expect(readSnapshots(again(named)).tree.snapshots[0]!.displayName).toBe('база');
    expect(() => writeSnapshots(doc, add(emptyTree, { ...taken, displayName: '日本' }))).toThrow(
      /windows-1251/,
    );
  });
});

it('a root whose parent was missing does not become a child of a new snapshot with that uid', () => {
  const doc = parse(
    'snapshot.lastUID = "2147483647"\nsnapshot0.uid = "2147483647"\nsnapshot1.uid = "3"\nsnapshot1.parent = "1"\n',
  );
  const tree = add(readSnapshots(doc).tree, taken);
  const { tree: read } = readSnapshots(again(writeSnapshots(doc, tree)));
  expect(read.snapshots.map(({ uid, parent }) => [uid, parent])).toEqual([
    [2_147_483_647, null],
    [3, null],
    [1, null],
  ]);
});
