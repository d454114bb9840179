import { Option } from '@commander-js/extra-typings';
import { KameError } from '../core/errors.ts';
import { parseSize } from '../core/units.ts';

/** Parsers of option values. Each throws a KameError that names the option and the allowed values. */

function wrong(option: string, text: string, form: string): KameError {
  return new KameError('USAGE', `${option} is "${text}", which is not ${form}.`);
}

export function integer(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw wrong(option, text, `a whole number from ${min} to ${max}`);
    return value;
  };
}

/** Seconds, which may have decimals, in milliseconds. */
export function seconds(option: string): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * 1000) : Number.NaN;
    if (!(value >= 1 && value <= 86_400_000)) throw wrong(option, text, 'a number of seconds up to 86400');
    return value;
  };
}

export function size(option: string): (text: string) => number {
  return (text) => parseSize(text, option);
}

/** A size in bytes, above 0. */
export function sizeAboveZero(option: string): (text: string) => number {
  return (text) => {
    const bytes = parseSize(text, option);
    if (bytes === 0) throw wrong(option, text, 'a size above 0');
    return bytes;
  };
}

/** A text that must not be empty, such as the label of a snapshot. */
export function filled(what: string): (text: string) => string {
  return (text) => {
    if (text.trim() === '') throw new KameError('USAGE', `${what} is empty.`);
    return text;
  };
}

/** Collects the values of an option that may be repeated. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** Splits `key=value`. The value may be empty and may contain `=`. */
export function keyValue(text: string, what: string): { key: string; value: string } {
  const at = text.indexOf('=');
  if (at <= 0) {
    throw new KameError('USAGE', `${what} "${text}" is malformed: it must be key=value.`, {
      next: 'For example: memory=2GiB. Quote it if the value contains spaces.',
    });
  }
  return { key: text.slice(0, at), value: text.slice(at + 1) };
}

/** `--wait`: what a start waits for. */
export function waitOption(
  what = 'wait for the guest agent, the first console line, an address, a login prompt on the console, or only the engine',
) {
  return new Option('--wait <what>', what).choices(['agent', 'boot', 'network', 'login', 'none'] as const);
}

/** Leaves out options that were not given: the API has its own defaults for missing fields. */
export function given<T extends Record<string, unknown>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** The examples at the end of a help text. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

/** The help text of `--json`, with the name of the shape, which docs/api.md describes. */
export function jsonShape(shape: string): string {
  return `print JSON: ${shape}`;
}
