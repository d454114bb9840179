import { KameError } from '../../core/errors.ts';

/** A JSON object from the guest. Only known members may be read. */
export type GuestObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is GuestObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Cleans text from a guest for display: no control or direction characters, at most `max` characters. */
export function cleanText(text: string, max = 500): string {
  const clean = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
  return clean.length > max ? `${clean.slice(0, max)}…` : clean;
}

/** The error for a reply that is JSON but not valid for the command. */
export function senseless(command: string, what: string): KameError {
  return new KameError('GUEST_FAILED', `The reply of the guest agent to ${command} is malformed: ${what}.`);
}

export function objectOf(value: unknown, command: string, what = 'it is not an object'): GuestObject {
  if (!isObject(value)) throw senseless(command, what);
  return value;
}

/** @throws KameError GUEST_FAILED when it is not an array or has more than `max` elements */
export function arrayOf(value: unknown, command: string, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw senseless(command, 'it is not a list');
  if (value.length > max)
    throw senseless(command, `it is a list of ${value.length} items; the limit is ${max}`);
  return value;
}

/** An integer that a double can represent exactly. */
export function integerOf(value: unknown, command: string, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw senseless(command, `${what} is not an integer`);
  return value;
}

/** A string member, cleaned and shortened; undefined if it is absent. */
export function textOf(object: GuestObject, key: string, command: string, max = 500): string | undefined {
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw senseless(command, `${key} is not a text`);
  return cleanText(value, max);
}

/** The bytes of a base64 member, or none if it is absent. */
export function bytesOf(object: GuestObject, key: string, command: string, max: number): Buffer {
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  if (value === undefined || value === null) return Buffer.alloc(0);
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value))
    throw senseless(command, `${key} is not valid base64`);
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length > max)
    throw senseless(command, `${key} is ${bytes.length} bytes long; the limit is ${max}`);
  return bytes;
}
