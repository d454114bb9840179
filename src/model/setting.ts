import { KameError } from '../core/errors.ts';
import { formatSize, parseSize } from '../core/units.ts';
import type { VmxDocument } from '../vmx/document.ts';
import { booleanText } from '../vmx/values.ts';
import { listOf } from './reading.ts';

/** Key -> value, or null to delete. */
export type Changes = ReadonlyMap<string, string | null>;

/** A setting for people: one word that stands for one or more keys of the `.vmx`. */
export interface Setting {
  readonly name: string;
  /** What it sets, for --help. */
  readonly what: string;
  /** The allowed values, for --help and messages. */
  readonly form: string;
  readonly example: string;
  /** The keys it writes. */
  readonly keys: readonly string[];
  /** Whether an empty value is a value too. By default it removes the keys. */
  readonly allowsEmpty?: true;
  /**
   * @param doc the file, for a setting whose keys depend on its devices
   * @throws KameError INVALID_VALUE when the text is not an allowed value
   */
  readonly changes: (text: string, doc: VmxDocument) => Changes;
}

/** The refusal of a value. */
export function invalid(name: string, text: string, form: string): KameError {
  return new KameError('INVALID_VALUE', `${name} is "${text}"; it must be ${form}.`);
}

/** A setting of one key, without how its text becomes a value. */
interface About {
  readonly name: string;
  readonly what: string;
  readonly key: string;
  readonly form: string;
  readonly example: string;
}

/** Converts the text to the value in the `.vmx`. @throws KameError INVALID_VALUE */
type Convert = (text: string, about: About) => string;

/** A setting that writes one key. */
export function one(about: About, convert: Convert): Setting {
  const { key, ...rest } = about;
  return { ...rest, keys: [key], changes: (text) => new Map([[key, convert(text, about)]]) };
}

export const asText: Convert = (text) => text;

export const asInteger: Convert = (text, { name, form }) => {
  if (!/^\d{1,9}$/.test(text.trim())) throw invalid(name, text, form);
  return String(Number(text));
};

/** A size with its unit, written as a number of `unit` bytes. */
export function asSizeIn(unit: number): Convert {
  return (text, { name, form, example }) => {
    // A bare number would be bytes in Kame and megabytes in VMware: ask instead of guessing.
    if (/^\s*\d+\s*$/.test(text)) {
      throw new KameError('INVALID_VALUE', `${name} is "${text}", without a unit.`, {
        next: `Add a unit, as in ${example}.`,
      });
    }
    const bytes = parseSize(text, name);
    if (bytes % unit !== 0) throw invalid(name, text, `${form}, a multiple of ${formatSize(unit)}`);
    return String(bytes / unit);
  };
}

const onOffForm = 'on or off';

function readOnOff(name: string, value: string): boolean {
  const word = value.trim().toLowerCase();
  if (['on', 'true', 'yes', '1'].includes(word)) return true;
  if (['off', 'false', 'no', '0'].includes(word)) return false;
  throw invalid(name, value, onOffForm);
}

/** A setting that switches one or more keys. */
export function onOff(name: string, what: string, ...keys: string[]): Setting {
  const changes = (value: string): Changes => {
    const written = booleanText(readOnOff(name, value));
    return new Map(keys.map((key) => [key, written]));
  };
  return { name, what, form: onOffForm, example: 'on', keys, changes };
}

/** A setting with a few allowed words. */
export function choice(name: string, what: string, key: string, words: readonly string[]): Setting {
  const about = { name, what, key, form: listOf(words), example: words[0] ?? '' };
  return one(about, (text) => {
    const found = words.find((word) => word === text.trim().toLowerCase());
    if (found === undefined) throw invalid(name, text, about.form);
    return found;
  });
}
