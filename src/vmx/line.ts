import type { TextCodec } from './encoding.ts';

/**
 * One line of a dictionary file, one char per byte. `newline` is `\n`, `\r\n` or, on the last line, possibly empty or `\r`.
 * An entry records the position of its value, so that an edit replaces nothing else.
 */
export interface VmxLine {
  readonly text: string;
  readonly newline: string;
  readonly entry?: VmxEntry;
}

export interface VmxEntry {
  /** As written. Comparisons ignore ASCII case. */
  readonly key: string;
  readonly value: string;
  /** The position of the value in the line, including quotes. */
  readonly start: number;
  readonly end: number;
  /** False when bytes of the key or value are not valid in the encoding of the file; the text then contains U+FFFD. */
  readonly exact: boolean;
}

// Line = [ws] name [ws] = [ws] value [ws] [# comment]; ws is space or tab (see lib/dict in open-vm-tools). It is read
// in linear steps: a single regular expression would take quadratic time on a long run of blanks.
const entryHead = /^[ \t]*([^ \t=#]+)[ \t]*=[ \t]*/;
const unquoted = /[^ \t#]*/y;
const commentOrBlank = /^[ \t]*(?:#.*)?$/s;

/** Replaces `|hh` with the byte it stands for; a `|` without two hex digits stays. */
function unescapeValue(bytes: string): string {
  return bytes.replace(/\|([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Escapes the bytes that VMware escapes: quote, bar, DEL and all control bytes except TAB. */
function escapeValue(bytes: string): string {
  return bytes.replace(
    // eslint-disable-next-line no-control-regex
    /["|\x7F\0-\x08\x0A-\x1F]/g,
    (byte) => `|${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The raw value that begins at `start`: within quotes, or up to a blank or `#`. */
function readToken(text: string, start: number): { token: string; end: number } | undefined {
  if (text[start] === '"') {
    const close = text.indexOf('"', start + 1);
    return close < 0 ? undefined : { token: text.slice(start + 1, close), end: close + 1 };
  }
  unquoted.lastIndex = start;
  const token = unquoted.exec(text)?.[0] ?? '';
  return { token, end: start + token.length };
}

/** Reads one line. A line without an entry is a comment, blank, or malformed and kept as it is. */
export function parseLine(text: string, newline: string, codec: TextCodec): VmxLine {
  const head = entryHead.exec(text);
  if (!head) return { text, newline };
  const start = head[0].length;
  const found = readToken(text, start);
  if (!found || !commentOrBlank.test(text.slice(found.end))) return { text, newline };
  const key = codec.decode(head[1] ?? '');
  const value = codec.decode(unescapeValue(found.token));
  const exact = key.exact && value.exact;
  return { text, newline, entry: { key: key.text, value: value.text, start, end: found.end, exact } };
}

/** Whether a line without an entry is a comment or blank rather than malformed. */
export function isCommentOrBlank(line: VmxLine): boolean {
  return commentOrBlank.test(line.text);
}

/** The line with another value. Indentation, key and comment stay. */
export function withValue(line: VmxLine, entry: VmxEntry, value: string, codec: TextCodec): VmxLine {
  const before = line.text.slice(0, entry.start);
  const gap = /[ \t]$/.test(before) || entry.end > entry.start ? '' : ' ';
  const after = line.text.slice(entry.end);
  const text = `${before}${gap}"${escapeValue(codec.encode(value))}"${after}`;
  return parseLine(text, line.newline, codec);
}

/** A new line, formatted as VMware writes it. */
export function newLine(key: string, value: string, newline: string, codec: TextCodec): VmxLine {
  return parseLine(`${codec.encode(key)} = "${escapeValue(codec.encode(value))}"`, newline, codec);
}
