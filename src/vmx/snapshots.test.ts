import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { again, parse, print } from '../../test/support/vmx-text.ts';
import { edit, getText } from './document.ts';
import { snapshotLimits, type RollingTier, type Snapshot, type SnapshotTree } from './snapshot-model.ts';
import { add, remove } from './snapshot-tree.ts';
import { readSnapshots, writeSnapshots } from './snapshots.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const some = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const integer = fc.integer({ min: 0, max: snapshotLimits.integer });

const disks = fc.uniqueArray(
  fc.record(
    {
      slot: fc
        .tuple(fc.constantFrom('scsi', 'nvme', 'sata'), fc.nat(3), fc.nat(15))
        .map(([bus, a, b]) => `${bus}${a}:${b}`),
      fileName: some,
      mode: some,
    },
    { requiredKeys: ['slot', 'fileName'] },
  ),
  { maxLength: 4, selector: ({ slot }) => slot },
);

const body: fc.Arbitrary<Omit<Snapshot, 'uid' | 'parent'>> = fc.record({
  displayName: text,
  description: text,
  withMemory: fc.boolean(),
  createdAt: fc.date({ min: new Date(0), noInvalidDate: true }),
  fileName: text,
  disks,
  clones: fc.array(some, { maxLength: 3 }),
  tiers: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
});

const tiers: fc.Arbitrary<RollingTier[]> = fc.uniqueArray(
  fc.record(
    {
      uid: fc.integer({ min: 1, max: 9 }),
      interval: fc.integer({ min: 1, max: 100_000 }),
      maximum: fc.integer({ min: 1, max: 100 }),
      timeSinceLast: integer,
      displayName: text,
      description: text,
      baseTier: integer,
      live: fc.boolean(),
    },
    { requiredKeys: ['uid', 'interval', 'maximum', 'timeSinceLast', 'displayName', 'description'] },
  ),
  { maxLength: 3, selector: ({ uid }) => uid },
);

const digits = fc.nat().map(String);

/** Snapshots with uids in any order, each a root or the child of an earlier one. */
const trees: fc.Arbitrary<SnapshotTree> = fc
  .record({
    snapshots: fc.array(fc.tuple(body, fc.nat()), { maxLength: 12 }),
    header: fc.record({
      needConsolidate: fc.boolean(),
      rollingTiers: tiers,
      cloneOf: fc.array(some, { maxLength: 2 }),
      sentinels: fc.array(some, { maxLength: 2 }),
      related: fc.array(fc.record({ path: some, uuid: fc.uuid() }), { maxLength: 2 }),
      bases: fc.array(fc.record({ path: some, file: fc.constant('64769:12'), size: digits, time: digits }), {
        maxLength: 2,
      }),
    }),
    order: fc.infiniteStream(fc.nat()),
    current: fc.nat(),
    more: fc.nat(5),
  })
  .map(({ snapshots: bodies, header, order, current, more }) => {
    const made = bodies.map(([content, under], at): Snapshot => ({
      ...content,
      uid: at + 1,
      parent: under % (at + 1) === at ? null : (under % (at + 1)) + 1,
    }));
    const keys = made.map((snapshot) => ({ snapshot, key: Number(order.next().value) }));
    const snapshots = keys.sort((a, b) => a.key - b.key).map(({ snapshot }) => snapshot);
    return {
      ...header,
      snapshots,
      lastUid: made.length + more,
      current: current % (made.length + 1) || null,
    };
  });

const foreignLines = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom(
        'snapshot.version',
        'screenshot0.filename',
        'replay.filename',
        'snapshot.mru.maxNum',
        'odd',
      ),
      some,
    ),
    {
      maxLength: 4,
      selector: ([key]) => key,
    },
  )
  .map((lines) => new Map<string, string | null>(lines));

describe('any tree', () => {
  it('is read back as it was written, into any file', () => {
    fc.assert(
      fc.property(trees, trees, foreignLines, (first, second, foreign) => {
        const one = edit(writeSnapshots(parse(''), first), foreign);
        expect(readSnapshots(again(one)).tree).toEqual(first);
        const two = again(writeSnapshots(again(one), second));
        expect(readSnapshots(two).tree).toEqual(second);
        for (const [key, value] of foreign) expect(getText(two, key)).toBe(value);
        expect(writeSnapshots(two, readSnapshots(two).tree)).toBe(two);
      }),
    );
  });

  it('keeps the unknown keys of a snapshot with it', () => {
    const removed = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.boolean()), { maxLength: 4 });
    fc.assert(
      fc.property(trees, removed, body, (tree, uids, next) => {
        const doc = edit(
          writeSnapshots(parse(''), tree),
          new Map(tree.snapshots.map(({ uid }, at) => [`snapshot${at}.backupManifest`, `of ${uid}`])),
        );
        const pruned = uids.reduce((rest, [uid, children]) => remove(rest, uid, { children }), tree);
        const wanted = add(pruned, next);
        const written = again(writeSnapshots(doc, wanted));
        expect(readSnapshots(written).tree).toEqual(wanted);
        expect(wanted.snapshots.map((_, at) => getText(written, `snapshot${at}.backupManifest`))).toEqual(
          wanted.snapshots.map(({ uid }) => (uid === wanted.current ? undefined : `of ${uid}`)),
        );
        expect(print(written).match(/backupManifest/g) ?? []).toHaveLength(wanted.snapshots.length - 1);
      }),
    );
  });
});

describe('any file', () => {
  const number = fc.constantFrom(
    '0',
    '1',
    '2',
    '3',
    '-1',
    '',
    'x',
    '1e9',
    '0x2',
    '2147483647',
    '99999999999999999',
  );
  const index = fc.constantFrom('0', '1', '2', '3', '10', '01', '999999999');
  const key = fc.oneof(
    fc
      .tuple(
        index,
        fc.constantFrom(
          'uid',
          'parent',
          'type',
          'createTimeHigh',
          'createTimeLow',
          'numDisks',
          'clone0',
          'tiers',
          'x',
        ),
      )
      .map(([at, rest]) => `snapshot${at}.${rest}`),
    fc
      .tuple(index, index, fc.constantFrom('node', 'fileName', 'epoch'))
      .map(([at, disk, rest]) => `snapshot${at}.disk${disk}.${rest}`),
    fc
      .tuple(index, fc.constantFrom('uid', 'interval', 'maximum', 'timeSincelast', 'live', 'x'))
      .map(([at, rest]) => `rollingTier${at}.${rest}`),
    index.map((at) => `snapshot.mru${at}.uid`),
    index.map((at) => `cloneOf${at}`),
    fc.constantFrom(
      'snapshot.current',
      'snapshot.lastUID',
      'snapshot.numSnapshots',
      'SNAPSHOT0.UID',
      'snapshot.maxSnapshots',
    ),
  );
  const lines = fc
    .array(fc.tuple(key, number, fc.constantFrom('\n', '\r\n')), { maxLength: 60 })
    .map((all) => all.map(([name, value, newline]) => `${name} = "${value}"${newline}`).join(''));

  it('is read, and unchanged when nothing changes', () => {
    fc.assert(
      fc.property(lines, (file) => {
        const doc = parse(file);
        expect(writeSnapshots(doc, readSnapshots(doc).tree)).toBe(doc);
      }),
      { numRuns: 150 },
    );
  });

  it('accepts a new snapshot, and keeps the others', () => {
    fc.assert(
      fc.property(lines, body, (file, next) => {
        const { tree } = readSnapshots(parse(file));
        const wanted = add(tree, next);
        const written = again(writeSnapshots(parse(file), wanted));
        expect(readSnapshots(written).tree).toEqual(wanted);
        const values = (whole: string): string[] => (whole.match(/\.(?:x|epoch) = .*/g) ?? []).sort();
        expect(values(print(written))).toEqual(values(file));
      }),
      { numRuns: 150 },
    );
  });
});
