import { KameError } from '../core/errors.ts';
import {
  assumedCodec,
  binaryToBytes,
  bytesToBinary,
  codecFor,
  utf8Codec,
  type TextCodec,
} from './encoding.ts';
import { isCommentOrBlank, newLine, parseLine, withValue, type VmxLine } from './line.ts';

/** Something in the file that a person should know about. Lines count from 1. */
export interface VmxProblem {
  readonly line: number;
  /** Empty when the line has no key. */
  readonly key: string;
  readonly message: string;
}

/**
 * A lossless dictionary file (.vmx, .vmsd, preferences): printing it returns the bytes that were read. Immutable;
 * `edit` makes a new one.
 */
export interface VmxDocument {
  readonly lines: readonly VmxLine[];
  readonly bom: boolean;
  readonly codec: TextCodec;
  /** Key in ASCII lower case -> index of the line that defines it, in file order. */
  readonly index: ReadonlyMap<string, number>;
  readonly problems: readonly VmxProblem[];
}

/** Larger files are rejected as hostile or broken. The largest real files are about 100 KiB. */
export const vmxLimits = { bytes: 1024 * 1024, lines: 20_000, lineBytes: 256 * 1024 } as const;

const utf8Bom = '\xEF\xBB\xBF';

/** Folds the ASCII case of a key, for comparison. There is no other folding, so that distinct keys do not collide. */
export function foldKey(key: string): string {
  return key.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function broken(name: string, reason: string): KameError {
  return new KameError('BROKEN_MACHINE', `${name} is not a configuration file: ${reason}.`, {
    next: 'Choose the .vmx file of the machine, or restore it from a backup.',
    details: { file: name },
  });
}

function checkContent(content: string, name: string): void {
  if (content.length > vmxLimits.bytes) {
    throw broken(name, `it is ${content.length} bytes long; the limit is ${vmxLimits.bytes} bytes`);
  }
  if (content.startsWith('\xFF\xFE') || content.startsWith('\xFE\xFF')) {
    throw broken(name, 'it is UTF-16 text; it must be UTF-8 or an 8-bit encoding');
  }
  const nul = content.indexOf('\0');
  if (nul >= 0) throw broken(name, `it is binary (a zero byte at offset ${nul})`);
}

function splitLines(content: string, name: string): { text: string; newline: string }[] {
  const lines: { text: string; newline: string }[] = [];
  for (let start = 0; start < content.length;) {
    const found = content.indexOf('\n', start);
    const end = found < 0 ? content.length : found + 1;
    // Some tools turn \r\n into \r\r\n: every \r before the end is part of the newline.
    let textEnd = found < 0 ? end : found;
    while (textEnd > start && content[textEnd - 1] === '\r') textEnd -= 1;
    if (lines.length >= vmxLimits.lines) throw broken(name, `it has more than ${vmxLimits.lines} lines`);
    if (textEnd - start > vmxLimits.lineBytes) {
      throw broken(name, `line ${lines.length + 1} is longer than ${vmxLimits.lineBytes} bytes`);
    }
    lines.push({ text: content.slice(start, textEnd), newline: content.slice(textEnd, end) });
    start = end;
  }
  return lines;
}

function indexLines(lines: readonly VmxLine[], codec: TextCodec): Pick<VmxDocument, 'index' | 'problems'> {
  const index = new Map<string, number>();
  const problems: VmxProblem[] = [];
  lines.forEach((line, at) => {
    const { entry } = line;
    if (!entry) {
      if (!isCommentOrBlank(line))
        problems.push({ line: at + 1, key: '', message: `Line ${at + 1}: Syntax error.` });
      return;
    }
    if (!entry.exact) {
      const message = `Line ${at + 1}: "${entry.key}" contains bytes that are not valid ${codec.name}.`;
      problems.push({ line: at + 1, key: entry.key, message });
    }
    const folded = foldKey(entry.key);
    const first = index.get(folded);
    if (first === undefined) index.set(folded, at);
    else {
      const message = `Line ${at + 1}: Variable "${entry.key}" is already defined. Using line ${first + 1}.`;
      problems.push({ line: at + 1, key: entry.key, message });
    }
  });
  return { index, problems };
}

function findEncoding(lines: readonly { text: string }[]): string | undefined {
  for (const { text } of lines) {
    const value = /^[ \t]*\.encoding[ \t]*=[ \t]*"?([A-Za-z0-9_.:-]{1,40})"?/i.exec(text)?.[1];
    if (value !== undefined) return value;
  }
  return undefined;
}

/**
 * Reads a dictionary file. Lines that do not parse, comments, the shebang, a byte order mark and every kind of newline
 * are kept. If a key is defined more than once, the first definition counts, as in VMware, and each further one is a
 * problem.
 *
 * `.encoding` declares the encoding; bytes that are not valid in it are kept and reported as a problem.
 * @param name the name of the file in messages
 * @throws KameError BROKEN_MACHINE when it is binary, UTF-16 or exceeds vmxLimits
 */
export function parseVmx(bytes: Uint8Array, name = 'The file'): VmxDocument {
  if (bytes.length > vmxLimits.bytes) {
    throw broken(name, `it is ${bytes.length} bytes long; the limit is ${vmxLimits.bytes} bytes`);
  }
  const content = bytesToBinary(bytes);
  checkContent(content, name);
  const bom = content.startsWith(utf8Bom);
  const body = bom ? content.slice(utf8Bom.length) : content;
  const split = splitLines(body, name);
  const declared = findEncoding(split);
  const known = declared === undefined ? undefined : codecFor(declared);
  const codec = bom ? utf8Codec('UTF-8') : (known ?? assumedCodec(body));
  const lines = split.map((line) => parseLine(line.text, line.newline, codec));
  const { index, problems } = indexLines(lines, codec);
  if (declared === undefined || (known && (!bom || known.name.toLowerCase() === 'utf-8'))) {
    return { lines, bom, codec, index, problems };
  }
  const at = index.get('.encoding') ?? 0;
  const reason = known ? 'contradicts the byte order mark' : 'is unknown';
  const message = `Line ${at + 1}: The encoding "${declared}" ${reason}. Using ${codec.name}.`;
  return { lines, bom, codec, index, problems: [...problems, { line: at + 1, key: '.encoding', message }] };
}

/** The bytes of the document: those that were read, except for edited lines. */
export function printVmx(doc: VmxDocument): Uint8Array {
  return binaryToBytes((doc.bom ? utf8Bom : '') + doc.lines.map((line) => line.text + line.newline).join(''));
}

/** The value of a key, unescaped, or undefined. An empty value is the empty string. */
export function getText(doc: VmxDocument, key: string): string | undefined {
  const at = doc.index.get(foldKey(key));
  return at === undefined ? undefined : doc.lines[at]?.entry?.value;
}

/** The line of a key, counted from 1, or undefined. */
export function lineOf(doc: VmxDocument, key: string): number | undefined {
  const at = doc.index.get(foldKey(key));
  return at === undefined ? undefined : at + 1;
}

/** Every effective definition, in file order, with its key as written. */
export function entriesOf(doc: VmxDocument): { key: string; value: string }[] {
  return [...doc.index.values()].flatMap((at) => {
    const entry = doc.lines[at]?.entry;
    return entry ? [{ key: entry.key, value: entry.value }] : [];
  });
}

function checkKey(doc: VmxDocument, key: string): void {
  // eslint-disable-next-line no-control-regex
  if (!/^[^\s=#"|\0-\x1F\x7F\uFEFF]{1,200}$/u.test(key)) {
    throw new KameError('INVALID_VALUE', `"${key}" is not a valid key in a configuration file.`, {
      next: 'Use up to 200 characters without spaces, quotes, bars, "=" and "#", such as guestinfo.hostname.',
    });
  }
  if (foldKey(key) === '.encoding') {
    throw new KameError(
      'INVALID_VALUE',
      '.encoding cannot be changed: the other lines are in that encoding.',
      {
        next: `Convert the whole file, which is ${doc.codec.name}, with another tool.`,
      },
    );
  }
}

function append(lines: VmxLine[], line: VmxLine): void {
  const last = lines.at(-1);
  // A file that was cut may end with nothing or with half a newline.
  if (last && !last.newline.endsWith('\n')) lines[lines.length - 1] = { ...last, newline: line.newline };
  lines.push(line);
}

/**
 * A new document with the changes: key -> value, or null to delete. Only the lines of changed keys differ; new keys are
 * appended, with the newlines of the file. A deletion removes every definition of the key; otherwise a later one would
 * take effect.
 * @throws KameError INVALID_VALUE when a key or value cannot be written, or the file would exceed vmxLimits
 */
export function edit(doc: VmxDocument, changes: ReadonlyMap<string, string | null>): VmxDocument {
  const newline = doc.lines.find((line) => line.newline.endsWith('\n'))?.newline ?? '\n';
  const lines: VmxLine[] = [...doc.lines];
  const deleted = new Set<string>();
  const appended = new Map<string, { key: string; value: string }>();
  for (const [key, value] of changes) {
    const folded = foldKey(key);
    deleted.delete(folded);
    appended.delete(folded);
    if (value === getText(doc, key)) continue;
    checkKey(doc, key);
    const at = doc.index.get(folded);
    const line = at === undefined ? undefined : doc.lines[at];
    if (value === null) deleted.add(folded);
    else if (at === undefined || !line?.entry) appended.set(folded, { key, value });
    else lines[at] = withValue(line, line.entry, value, doc.codec);
  }
  const kept = lines.filter((line) => !line.entry || !deleted.has(foldKey(line.entry.key)));
  for (const { key, value } of appended.values()) append(kept, newLine(key, value, newline, doc.codec));
  return checkSize({ ...doc, lines: kept, ...indexLines(kept, doc.codec) });
}

function checkSize(doc: VmxDocument): VmxDocument {
  const bytes = doc.lines.reduce((sum, line) => sum + line.text.length + line.newline.length, 0);
  const tooLong = doc.lines.find((line) => line.text.length > vmxLimits.lineBytes);
  if (bytes + utf8Bom.length > vmxLimits.bytes || doc.lines.length > vmxLimits.lines || tooLong) {
    const key = tooLong?.entry?.key;
    const what = key === undefined ? 'The configuration' : `The value of ${key}`;
    throw new KameError('INVALID_VALUE', `${what} is too long for a configuration file.`, {
      next: `Shorten it: a file has at most ${vmxLimits.bytes} bytes, a line at most ${vmxLimits.lineBytes}.`,
    });
  }
  return doc;
}

/** A document with only `.encoding = "UTF-8"`, the first line of the files that VMware writes. */
export function emptyDocument(): VmxDocument {
  return parseVmx(new TextEncoder().encode('.encoding = "UTF-8"\n'));
}
