import { describe, expect, it } from 'vitest';
import { taken } from '../../test/support/taken-snapshot.ts';
import { again, fixture, parse, print } from '../../test/support/vmx-text.ts';
import { emptyTree, snapshotLimits } from './snapshot-model.ts';
import { remove, rename } from './snapshot-tree.ts';
import { readSnapshots, writeSnapshots } from './snapshots.ts';

const problemsOf = (text: string): string[] =>
  readSnapshots(parse(text)).problems.map(({ message }) => message);
const uidsOf = (text: string): number[] => readSnapshots(parse(text)).tree.snapshots.map(({ uid }) => uid);

describe('reading', () => {
  it('reads what ESXi writes', () => {
    const { tree, problems } = readSnapshots(fixture('esxi8.vmsd'));
    expect(problems).toEqual([]);
    expect(tree).toEqual({
      ...emptyTree,
      current: 2,
      lastUid: 2,
      snapshots: [
        {
          ...taken,
          uid: 1,
          parent: null,
          displayName: 'before "upgrade"',
          createdAt: new Date('2022-11-28T15:29:25.269Z'),
          fileName: 'web01-Snapshot1.vmsn',
          disks: [{ slot: 'scsi0:0', fileName: 'web01_1.vmdk' }],
        },
        {
          ...taken,
          uid: 2,
          parent: 1,
          displayName: 'after',
          createdAt: new Date('2022-11-28T16:02:36.450Z'),
          fileName: 'web01-Snapshot2.vmsn',
          disks: [{ slot: 'scsi0:0', fileName: 'web01_1-000001.vmdk' }],
        },
      ],
    });
  });

  it('treats the lower half of a time as unsigned, whatever its sign', () => {
    const at = (low: string): string =>
      readSnapshots(
        parse(`snapshot0.uid="1"\nsnapshot0.createTimeHigh="388745"\nsnapshot0.createTimeLow="${low}"\n`),
      ).tree.snapshots[0]!.createdAt.toISOString();
    expect(at('1991180826')).toMatch(/^2022-11-/);
    expect(at('-2147483648')).toBe(at('2147483648'));
    expect(at('-1')).toBe(at('4294967295'));
  });

  it.each(['', '\n', '.encoding = "UTF-8"\nsnapshot.lastUID = "0"\nsnapshot.numSnapshots = "0"\n'])(
    'finds no snapshot in %j',
    (text) => {
      expect(readSnapshots(parse(text))).toEqual({ tree: emptyTree, problems: [] });
    },
  );

  it('does not confuse snapshot10 with snapshot1, nor disk10 with disk1', () => {
    const text = Array.from(
      { length: 12 },
      (_, at) => `snapshot${at}.uid = "${at + 1}"\nsnapshot${at}.filename="s"`,
    );
    const disks = Array.from(
      { length: 11 },
      (_, at) => `snapshot1.disk${at}.fileName = "${at}.vmdk"\nsnapshot1.disk${at}.node = "scsi0:${at}"`,
    );
    const { tree, problems } = readSnapshots(parse([...text.reverse(), ...disks].join('\n')));
    expect(problems).toEqual([]);
    expect(tree.snapshots.map(({ uid }) => uid)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(tree.snapshots[1]!.disks).toHaveLength(11);
    expect(tree.snapshots[1]!.disks[10]).toEqual({ slot: 'scsi0:10', fileName: '10.vmdk' });
    expect(tree.snapshots[10]!.disks).toEqual([]);
  });

  it('reads clones, AutoProtect and the side of a linked clone', () => {
    const { tree, problems } = readSnapshots(
      parse(`snapshot0.uid = "1"
snapshot0.filename = "a.vmsn"
snapshot0.numClones = "2"
snapshot0.clone0 = "/vm/a.vmx"
snapshot0.clone1 = "C:\\vm\\b.vmx"
snapshot0.numTiers = "2"
snapshot0.tiers = "1 2"
snapshot.numRollingTiers = "1"
rollingTier0.uid = "1"
rollingTier0.interval = "1800"
rollingTier0.maximum = "3"
rollingTier0.baseTier = "7"
rollingTier0.live = "TRUE"
rollingTier0.timeSincelast = "12"
cloneOf0 = "/vm/base.vmx"
numCloneOf = "1"
sentinel0 = "/vm/base.vmdk"
numSentinels = "1"
snapshot.maxSnapshots = "100"
snapshot.needConsolidate = "TRUE"
`),
    );
    expect(problems).toEqual([]);
    expect(tree.snapshots[0]).toMatchObject({ clones: ['/vm/a.vmx', 'C:\\vm\\b.vmx'], tiers: [1, 2] });
    expect(tree).toMatchObject({
      cloneOf: ['/vm/base.vmx'],
      sentinels: ['/vm/base.vmdk'],
      maxSnapshots: 100,
      needConsolidate: true,
    });
    expect(tree.rollingTiers).toEqual([
      {
        uid: 1,
        interval: 1800,
        maximum: 3,
        timeSinceLast: 12,
        displayName: '',
        description: '',
        baseTier: 7,
        live: true,
      },
    ]);
  });
});

describe('odd files', () => {
  const one = 'snapshot0.uid = "1"\nsnapshot0.filename = "a.vmsn"\n';

  it('ignores a snapshot whose uid is missing, invalid, negative or not unique', () => {
    const text = `${one}snapshot1.uid = "1"\nsnapshot2.uid = "-4"\nsnapshot3.uid = "x"\nsnapshot4.parent = "1"\nsnapshot5.uid = "4294967296"\n`;
    expect(uidsOf(text)).toEqual([1]);
    expect(problemsOf(text).filter((message) => message.includes('Ignoring'))).toEqual([
      'snapshot1 has the uid 1, which is already in use. Ignoring the snapshot.',
      'snapshot2 has no uid. Ignoring the snapshot.',
      'snapshot3 has no uid. Ignoring the snapshot.',
      'snapshot4 has no uid. Ignoring the snapshot.',
      'snapshot5 has no uid. Ignoring the snapshot.',
    ]);
  });

  it('relies on the snapshots found, not on absurd counts', () => {
    const text = `${one}snapshot.numSnapshots = "1000000000"\nsnapshot0.numDisks = "999999999"\nsnapshot0.numClones = "-1"\n`;
    expect(uidsOf(text)).toEqual([1]);
    expect(problemsOf(text)).toEqual([
      'snapshot0.numClones is "-1", but the file has 0.',
      'snapshot0.numDisks is "999999999", but the file has 0.',
      'snapshot.numSnapshots is "1000000000", but the file has 1.',
    ]);
  });

  it('continues after a gap, and ignores an index that VMware does not write', () => {
    const text = `${one}snapshot2.uid = "2"\nsnapshot2.filename = "b"\nsnapshot01.uid = "3"\nsnapshot9999999999.uid = "4"\nsnapshot-1.uid = "5"\n`;
    expect(uidsOf(text)).toEqual([1, 2]);
    expect(problemsOf(text)).toEqual(['snapshot1 is missing, but later ones exist.']);
  });

  it('stops at the cap', () => {
    const text = Array.from({ length: 1500 }, (_, at) => `snapshot${at}.uid = "${at + 1}"\n`).join('');
    const { tree } = readSnapshots(parse(text));
    expect(tree.snapshots).toHaveLength(snapshotLimits.snapshots);
    expect(print(writeSnapshots(parse(text), remove(tree, 1, { children: false })))).toContain('"1500"');
  });

  it('treats a snapshot without its parent as a root', () => {
    const text = `${one}snapshot0.parent = "7"\n`;
    const { tree, problems } = readSnapshots(parse(text));
    expect(tree.snapshots[0]!.parent).toBeNull();
    expect(tree.lastUid).toBe(7);
    expect(problems).toEqual([
      {
        key: 'snapshot0.parent',
        message: 'snapshot0.parent is 7: there is no such snapshot. Treating it as a root.',
        uid: 1,
      },
    ]);
  });

  it('cuts a cycle of parents at its first snapshot, and keeps its descendants', () => {
    const parents = [3, 1, 2, 2, 5];
    const text = parents
      .map(
        (parent, at) =>
          `snapshot${at}.uid="${at + 1}"\nsnapshot${at}.parent="${parent}"\nsnapshot${at}.filename="s"\n`,
      )
      .join('');
    const { tree, problems } = readSnapshots(parse(text));
    expect(tree.snapshots.map(({ parent }) => parent)).toEqual([null, 1, 2, 2, null]);
    expect(problems.map(({ key, uid }) => [key, uid])).toEqual([
      ['snapshot0.parent', 1],
      ['snapshot4.parent', 5],
    ]);
    const renamed = writeSnapshots(parse(text), rename(tree, 2, 'b'));
    expect(readSnapshots(again(renamed))).toEqual({ tree: rename(tree, 2, 'b'), problems });
  });

  it('reads a chain of a thousand', () => {
    const text = Array.from(
      { length: 1000 },
      (_, at) => `snapshot${at}.uid="${1000 - at}"\nsnapshot${at}.parent="${999 - at}"\n`,
    ).join('');
    const { tree } = readSnapshots(parse(text));
    expect(tree.snapshots.filter(({ parent }) => parent === null).map(({ uid }) => uid)).toEqual([1]);
  });

  it.each(['../a.vmsn', '/etc/passwd', 'C:\\a.vmsn', 'x/../../a', 'a|00b', '\\\\host\\a', ''])(
    'keeps and reports the file name %j',
    (name) => {
      const { tree, problems } = readSnapshots(
        parse(
          `snapshot0.uid="1"\nsnapshot0.filename="${name}"\nsnapshot0.disk0.fileName="${name}"\nsnapshot0.disk0.node="scsi0:0"\n`,
        ),
      );
      expect(tree.snapshots[0]!.fileName).toBe(name.replace('|00', '\0'));
      expect(problems.map(({ key, uid }) => [key, uid])).toEqual(
        expect.arrayContaining([['snapshot0.filename', 1]]),
      );
      expect(problems.some(({ key }) => key.startsWith('snapshot0.disk0.'))).toBe(true);
      expect(problems.every(({ message }) => !message.includes('\0'))).toBe(true);
    },
  );

  it('reports bad numbers and uses none of them', () => {
    const text = `${one}snapshot0.createTimeHigh = "soon"\nsnapshot0.type = "x"\nsnapshot0.tiers = "1,zero,0"\nsnapshot.current = "9"\nsnapshot.lastUID = "0"\nsnapshot.maxSnapshots = "-3"\nsnapshot.needConsolidate = "maybe"\nrollingTier0.uid = "1"\nrollingTier0.interval = "0"\n`;
    const { tree, problems } = readSnapshots(parse(text));
    expect(tree).toMatchObject({ current: null, lastUid: 1, needConsolidate: false, rollingTiers: [] });
    expect(tree.snapshots[0]).toMatchObject({ createdAt: new Date(0), withMemory: false, tiers: [1] });
    expect(new Set(problems.map(({ key }) => key))).toEqual(
      new Set([
        'snapshot0.createTimeHigh',
        'snapshot0.type',
        'snapshot0.tiers',
        'snapshot.current',
        'snapshot.lastUID',
        'snapshot.maxSnapshots',
        'snapshot.needConsolidate',
        'rollingTier0.interval',
        'rollingTier0.uid',
      ]),
    );
  });

  it('reports a time that is out of range', () => {
    expect(problemsOf(`${one}snapshot0.createTimeHigh = "2147483647"\n`)).toEqual([
      'The creation time of snapshot0 is out of range.',
    ]);
  });

  it('ignores a disk without a file or with the node of another disk', () => {
    const { tree, problems } = readSnapshots(
      parse(
        `${one}snapshot0.disk0.node="scsi0:0"\nsnapshot0.disk1.node="SCSI0:0"\nsnapshot0.disk1.fileName="a"\nsnapshot0.disk2.node="scsi0:0"\nsnapshot0.disk2.fileName="b"\nsnapshot0.disk3.node="../x"\nsnapshot0.disk3.fileName="c"\n`,
      ),
    );
    expect(tree.snapshots[0]!.disks.map(({ fileName }) => fileName)).toEqual(['a', 'c']);
    expect(problems.map(({ key }) => key)).toEqual([
      'snapshot0.disk0.node',
      'snapshot0.disk2.node',
      'snapshot0.disk3.node',
    ]);
  });
});
