import { KameError } from '../core/errors.ts';

/**
 * Converts the bytes of a dictionary file to text and back. In the document, a line is a string with one char per byte,
 * so that nothing is lost; only keys and values are decoded.
 */
export interface TextCodec {
  /** The name given by `.encoding`, or the one that was assumed. */
  readonly name: string;
  /** Decodes bytes (one char each); `exact` is false when some are not valid in the encoding. */
  decode(bytes: string): { readonly text: string; readonly exact: boolean };
  /** @throws KameError INVALID_VALUE when the encoding cannot represent the text */
  encode(text: string): string;
}

const chunk = 8192;

/** A string with one char per byte. */
export function bytesToBinary(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += chunk) {
    binary += String.fromCharCode(...bytes.subarray(at, at + chunk));
  }
  return binary;
}

/** The inverse of bytesToBinary. */
export function binaryToBytes(binary: string): Uint8Array {
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

// 0x80 to 0x9F of windows-1252. A table of our own, because the TextDecoder of some Node releases (such as 20.20)
// decodes the label as ISO 8859-1. Unassigned codes map to themselves, as in the WHATWG encoding standard.
const windows1252 = Array.from(
  '\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D\u008F' +
    '\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D\u017E\u0178',
);

const ascii = /^[\0-\x7F]*$/;

function unencodable(text: string, name: string): KameError {
  return new KameError('INVALID_VALUE', `"${text}" cannot be written in the encoding of the file, ${name}.`, {
    next: `Use only characters that ${name} has, or convert the file to UTF-8.`,
  });
}

function singleByteCodec(name: string, table: readonly string[]): TextCodec {
  const codes = new Map(table.map((char, code) => [char, String.fromCharCode(code)]));
  return {
    name,
    decode: (bytes) => {
      if (ascii.test(bytes)) return { text: bytes, exact: true };
      return {
        text: Array.from(bytes, (byte) => table[byte.charCodeAt(0)] ?? '\uFFFD').join(''),
        exact: true,
      };
    },
    encode: (text) => {
      if (ascii.test(text)) return text;
      return Array.from(text, (char) => {
        const code = codes.get(char);
        if (code === undefined) throw unencodable(text, name);
        return code;
      }).join('');
    },
  };
}

function tableOf(high: (code: number) => string): string[] {
  return Array.from({ length: 256 }, (_, code) => (code < 0x80 ? String.fromCharCode(code) : high(code)));
}

function windows1252Codec(name: string): TextCodec {
  return singleByteCodec(
    name,
    tableOf((code) => windows1252[code - 0x80] ?? String.fromCharCode(code)),
  );
}

// Made once: making a decoder takes longer than reading a small file.
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** The codec for UTF-8, with the name that the file uses. */
export function utf8Codec(name: string): TextCodec {
  return {
    name,
    decode: (bytes) => {
      if (ascii.test(bytes)) return { text: bytes, exact: true };
      const array = binaryToBytes(bytes);
      try {
        return { text: strict.decode(array), exact: true };
      } catch {
        return { text: lenient.decode(array), exact: false };
      }
    },
    encode: (text) => {
      if (/\p{Surrogate}/u.test(text)) throw unencodable(text, name);
      return ascii.test(text) ? text : bytesToBinary(new TextEncoder().encode(text));
    },
  };
}

/** Any other encoding of TextDecoder (GBK, Shift_JIS, …): reads all of it, writes only its single-byte characters. */
function platformCodec(name: string): TextCodec | undefined {
  try {
    const strict = new TextDecoder(name, { fatal: true, ignoreBOM: true });
    const lenient = new TextDecoder(name, { ignoreBOM: true });
    if (strict.encoding.startsWith('utf-16')) return undefined;
    const decode = (bytes: string): { text: string; exact: boolean } => {
      const array = binaryToBytes(bytes);
      try {
        return { text: strict.decode(array), exact: true };
      } catch {
        return { text: lenient.decode(array), exact: false };
      }
    };
    const table = tableOf((code) => {
      const one = decode(String.fromCharCode(code));
      return one.exact && one.text.length === 1 ? one.text : '';
    });
    const single = singleByteCodec(name, table);
    return {
      name,
      decode,
      encode: (text) => {
        const bytes = single.encode(text);
        // In a multi-byte encoding two single bytes may decode as one char, so check the round trip.
        if (decode(bytes).text !== text) throw unencodable(text, name);
        return bytes;
      },
    };
  } catch {
    return undefined;
  }
}

/** The codec for a value of `.encoding`, or undefined for an unknown name. */
export function codecFor(name: string): TextCodec | undefined {
  const label = name.trim().toLowerCase();
  if (label === 'utf-8' || label === 'utf8') return utf8Codec(name);
  if (['windows-1252', 'cp1252', 'iso-8859-1', 'latin1', 'us-ascii'].includes(label)) {
    return windows1252Codec(name);
  }
  return platformCodec(label);
}

/**
 * The codec for a file without `.encoding`: UTF-8 if the whole file is valid UTF-8, otherwise windows-1252, the code
 * page of the hosts that wrote such files.
 */
export function assumedCodec(content: string): TextCodec {
  const utf8 = utf8Codec('UTF-8');
  return utf8.decode(content).exact ? utf8 : windows1252Codec('windows-1252');
}
