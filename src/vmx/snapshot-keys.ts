import { edit, foldKey, type VmxDocument } from './document.ts';
import { newLine, parseLine, type VmxEntry, type VmxLine } from './line.ts';

// Only the form that VMware writes: `snapshot01` is not an index, and an index has a maximum length.
const dotted = /^(0|[1-9][0-9]{0,8})\./;
const bare = /^(?:0|[1-9][0-9]{0,8})$/;

const ascending = (a: number, b: number): number => a - b;

/** The index in a key as text: `snapshot12.uid` with the name `snapshot` -> `12`. Undefined for other keys. */
function indexIn(folded: string, name: string): string | undefined {
  return folded.startsWith(name) ? dotted.exec(folded.slice(name.length))?.[1] : undefined;
}

/**
 * Groups keys `NAME<N>.REST` as N -> RESTs, in ascending order of N.
 * @param keys folded, as in VmxDocument.index
 * @param name folded: `snapshot`
 */
export function groupsOf(keys: Iterable<string>, name: string): Map<number, string[]> {
  const groups = new Map<number, string[]>();
  for (const key of keys) {
    const digits = indexIn(key, name);
    if (digits === undefined) continue;
    const rest = key.slice(name.length + digits.length + 1);
    const group = groups.get(Number(digits));
    if (group) group.push(rest);
    else groups.set(Number(digits), [rest]);
  }
  return new Map([...groups].sort(([a], [b]) => ascending(a, b)));
}

/** Every N of the keys `NAME<N>`, ascending. Keys and name are folded. */
export function numbersOf(keys: Iterable<string>, name: string): number[] {
  const numbers: number[] = [];
  for (const key of keys) {
    if (key.startsWith(name) && bare.test(key.slice(name.length)))
      numbers.push(Number(key.slice(name.length)));
  }
  return numbers.sort(ascending);
}

/** An index in the file and what it holds; null for something that Kame does not understand. */
export interface Place<Id> {
  readonly index: number;
  readonly id: Id | null;
}

/** The new index of everything. */
export interface Arrangement<Id> {
  readonly changed: boolean;
  readonly indexOf: ReadonlyMap<Id, number>;
  /** Old index -> new index, or null for what is removed. */
  readonly moves: ReadonlyMap<number, number | null>;
}

/**
 * Numbers `wanted` from 0 without gaps, as VMware does. What Kame does not understand is kept after it, where VMware,
 * which relies on the count, does not look. If the wanted items are the existing ones, nothing moves.
 */
export function arrange<Id>(places: readonly Place<Id>[], wanted: readonly Id[]): Arrangement<Id> {
  const old = new Map<Id, number>();
  for (const { index, id } of places) if (id !== null) old.set(id, index);
  const ids = [...old.keys()];
  if (ids.length === wanted.length && ids.every((id, at) => id === wanted[at])) {
    return { changed: false, indexOf: old, moves: new Map() };
  }
  const indexOf = new Map(wanted.map((id, at) => [id, at]));
  const moves = new Map<number, number | null>();
  let behind = wanted.length;
  for (const { index, id } of places) moves.set(index, id === null ? behind++ : (indexOf.get(id) ?? null));
  return { changed: true, indexOf, moves };
}

/** The line with another number in its key. `digits` is its present number. */
function withNumber(
  doc: VmxDocument,
  line: VmxLine,
  entry: VmxEntry,
  name: string,
  digits: string,
  to: number,
): VmxLine {
  const indent = /^[ \t]*/.exec(line.text)?.[0].length ?? 0;
  const start = indent + name.length;
  const end = start + digits.length;
  if (foldKey(line.text.slice(indent, end)) === name + digits) {
    return parseLine(line.text.slice(0, start) + to + line.text.slice(end), line.newline, doc.codec);
  }
  // In an encoding with shift sequences, the bytes of the key may differ from its letters.
  const key = entry.key.slice(0, name.length) + to + entry.key.slice(name.length + digits.length);
  return newLine(key, entry.value, line.newline, doc.codec);
}

/** The document with other lines. `edit` without changes rebuilds the index. */
function withLines(doc: VmxDocument, lines: readonly VmxLine[]): VmxDocument {
  return edit({ ...doc, lines }, new Map());
}

/**
 * Changes the numbers in keys `NAME<N>.REST`. It rewrites only the number in a line, so values that are not valid text
 * stay as they are, and unknown keys move too.
 * @param name folded: `snapshot`, `snapshot3.disk`
 * @param moves old number -> new number, or null to delete; other numbers stay
 */
export function renumber(
  doc: VmxDocument,
  name: string,
  moves: ReadonlyMap<number, number | null>,
): VmxDocument {
  const lines = doc.lines.flatMap((line) => {
    const digits = line.entry ? indexIn(foldKey(line.entry.key), name) : undefined;
    if (!line.entry || digits === undefined) return [line];
    const to = moves.get(Number(digits));
    if (to === undefined || to === Number(digits)) return [line];
    return to === null ? [] : [withNumber(doc, line, line.entry, name, digits, to)];
  });
  return withLines(doc, lines);
}

const grouped = /^(?:snapshot|rollingtier)(?:0|[1-9][0-9]{0,8})\./;

function groupOf(line: VmxLine): string | undefined {
  return line.entry && grouped.exec(foldKey(line.entry.key))?.[0];
}

/**
 * Like `edit`, but puts a new key of an existing snapshot or tier after its other keys, not at the end of the file.
 * @throws KameError INVALID_VALUE when a value cannot be written, or the file would exceed vmxLimits
 */
export function editInPlace(doc: VmxDocument, changes: ReadonlyMap<string, string | null>): VmxDocument {
  const edited = edit(doc, changes);
  const added = [...changes].filter(([key, value]) => value !== null && !doc.index.has(foldKey(key))).length;
  const old = edited.lines.slice(0, edited.lines.length - added);
  const lastOf = new Map<string, number>();
  old.forEach((line, at) => {
    const group = groupOf(line);
    if (group !== undefined) lastOf.set(group, at);
  });
  const after = new Map<number, VmxLine[]>();
  const end: VmxLine[] = [];
  for (const line of edited.lines.slice(old.length)) {
    const at = lastOf.get(groupOf(line) ?? '');
    if (at === undefined) end.push(line);
    else after.set(at, [...(after.get(at) ?? []), line]);
  }
  if (after.size === 0) return edited;
  return withLines(edited, [...old.flatMap((line, at) => [line, ...(after.get(at) ?? [])]), ...end]);
}
