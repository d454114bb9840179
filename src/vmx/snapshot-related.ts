import type { VmxDocument } from './document.ts';
import { groupsOf } from './snapshot-keys.ts';
import { snapshotLimits, type BaseFile, type RelatedMachine } from './snapshot-model.ts';
import type { SnapshotReader } from './snapshot-reader.ts';

// Keys of Kame in a `.vmsd`, which VMware’s programs ignore: what they do not say of linked clones.

const machineKeys = ['path', 'uuid'] as const;
const baseKeys = ['path', 'file', 'size', 'time'] as const;

const uuidText = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const fileText = /^\d{1,20}:\d{1,20}$/;
const numberText = /^\d{1,20}$/;

/** The records `NAME<N>.KEY` in order, at most as many as there may be snapshots. A missing value is empty. */
function readRecords<Key extends string>(
  reader: SnapshotReader,
  name: string,
  keys: readonly Key[],
): Record<Key, string>[] {
  const numbers = [...groupsOf(reader.doc.index.keys(), name.toLowerCase()).keys()];
  return numbers
    .slice(0, snapshotLimits.snapshots)
    .map(
      (number) =>
        Object.fromEntries(keys.map((key) => [key, reader.text(`${name}${number}.${key}`)])) as Record<
          Key,
          string
        >,
    );
}

/** The UUIDs of related machines. An incomplete record does not count. */
export function readRelated(reader: SnapshotReader): RelatedMachine[] {
  return readRecords(reader, 'kame.machine', machineKeys).filter(
    ({ path, uuid }) => path !== '' && uuidText.test(uuid),
  );
}

/** The recorded files of the parents. An incomplete record does not count. */
export function readBases(reader: SnapshotReader): BaseFile[] {
  return readRecords(reader, 'kame.base', baseKeys).filter(
    ({ path, file, size, time }) =>
      path !== '' && fileText.test(file) && numberText.test(size) && numberText.test(time),
  );
}

function recordChanges<Key extends string>(
  doc: VmxDocument,
  name: string,
  keys: readonly Key[],
  records: readonly Readonly<Record<Key, string>>[],
): [string, string | null][] {
  const stale = [...groupsOf(doc.index.keys(), name.toLowerCase())].filter(
    ([number]) => number >= records.length,
  );
  return [
    ...stale.flatMap(([number, rests]) =>
      rests.map((rest) => [`${name}${number}.${rest}`, null] as [string, null]),
    ),
    ...records.flatMap((record, at) =>
      keys.map((key) => [`${name}${at}.${key}`, record[key]] as [string, string]),
    ),
  ];
}

function isSame<Key extends string>(
  keys: readonly Key[],
  a: readonly Readonly<Record<Key, string>>[],
  b: readonly Readonly<Record<Key, string>>[],
): boolean {
  return a.length === b.length && a.every((each, at) => keys.every((key) => each[key] === b[at]?.[key]));
}

/** What must change in the document for these records. */
export function relatedChanges(
  doc: VmxDocument,
  old: { readonly related: readonly RelatedMachine[]; readonly bases: readonly BaseFile[] },
  now: { readonly related: readonly RelatedMachine[]; readonly bases: readonly BaseFile[] },
): [string, string | null][] {
  return [
    ...(isSame(machineKeys, old.related, now.related)
      ? []
      : recordChanges(doc, 'kame.machine', machineKeys, now.related)),
    ...(isSame(baseKeys, old.bases, now.bases) ? [] : recordChanges(doc, 'kame.base', baseKeys, now.bases)),
  ];
}
