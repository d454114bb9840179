import { KameError } from '../../core/errors.ts';

/** A JSON object from the guest. Only ever read by the names we know. */
export type GuestObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is GuestObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text of a guest for a person's eyes: no control or direction characters, no more than `max` characters. */
export function cleanText(text: string, max = 500): string {
  const clean = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
  return clean.length > max ? `${clean.slice(0, max)}…` : clean;
}

/** The error for an answer that is JSON, but not what the command answers with. */
export function senseless(command: string, what: string): KameError {
  return new KameError(
    'GUEST_FAILED',
    `The guest agent answered ${command} with something that makes no sense: ${what}.`,
  );
}

export function objectOf(value: unknown, command: string, what = 'no object'): GuestObject {
  if (!isObject(value)) throw senseless(command, what);
  return value;
}

/** @throws KameError GUEST_FAILED when it is no array or has more than `max` elements */
export function arrayOf(value: unknown, command: string, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw senseless(command, 'no list');
  if (value.length > max)
    throw senseless(command, `a list of ${value.length}, where at most ${max} are expected`);
  return value;
}

/** An integer within what a double holds exactly. */
export function integerOf(value: unknown, command: string, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw senseless(command, `${what} is no integer`);
  return value;
}

/** A string member, cleaned and capped; undefined when it is absent. */
export function textOf(object: GuestObject, key: string, command: string, max = 500): string | undefined {
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw senseless(command, `${key} is no text`);
  return cleanText(value, max);
}

/** Bytes of a base64 member, or none when it is absent. */
export function bytesOf(object: GuestObject, key: string, command: string, max: number): Buffer {
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  if (value === undefined || value === null) return Buffer.alloc(0);
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value))
    throw senseless(command, `${key} is no base64`);
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length > max)
    throw senseless(command, `${key} has ${bytes.length} bytes, where at most ${max} were asked for`);
  return bytes;
}
