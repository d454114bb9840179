/** What a pax header says of the entry after it, as far as it matters here. */
export interface PaxValues {
  readonly path?: Buffer;
  readonly linkpath?: Buffer;
  readonly size?: number;
  readonly mtime?: number;
  readonly uid?: number;
  readonly gid?: number;
}

type Writable = { -readonly [K in keyof PaxValues]: PaxValues[K] };

function put(values: Writable, key: string, value: Buffer): boolean {
  if (key === 'path' || key === 'linkpath') {
    values[key] = value;
    return !value.includes(0);
  }
  if (key === 'size' || key === 'uid' || key === 'gid') {
    const text = value.toString('latin1');
    values[key] = Number(text);
    return /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text));
  }
  if (key === 'mtime') {
    const text = value.toString('latin1');
    values.mtime = Math.max(0, Number(text));
    return /^-?\d{1,12}(\.\d{1,20})?$/.test(text);
  }
  // The content of a sparse file would be read as something else than it is.
  return !key.startsWith('GNU.sparse.');
}

/** Reads the records of a pax header, `LENGTH KEY=VALUE\n` each (POSIX.1-2001). Undefined if one is malformed. */
export function parsePax(content: Buffer): PaxValues | undefined {
  const values: Writable = {};
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const digits = space < 0 ? '' : content.toString('latin1', at, space);
    const length = /^[1-9]\d{0,5}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = content.indexOf(0x3d, space);
    if (end > content.length || content[end - 1] !== 0x0a || equals < 0 || equals >= end) return undefined;
    const key = content.toString('utf8', space + 1, equals);
    if (!put(values, key, content.subarray(equals + 1, end - 1))) return undefined;
    at = end;
  }
  return values;
}
