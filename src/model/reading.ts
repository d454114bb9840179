import { getText, lineOf, type VmxDocument, type VmxProblem } from '../vmx/document.ts';
import { getBoolean, getInteger } from '../vmx/values.ts';
import { shown, type ModelProblem } from './problem.ts';

/** The allowed range of an integer. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

const anyInteger: Range = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

/** Reads typed values from a document and collects problems. Never throws. */
export class ModelReading {
  readonly doc: VmxDocument;
  readonly problems: ModelProblem[];

  constructor(doc: VmxDocument) {
    this.doc = doc;
    this.problems = doc.problems.map((problem) => ({
      severity: 'warning',
      key: problem.key,
      value: shown(getText(doc, problem.key) ?? ''),
      allowed: '',
      message: problem.message,
      line: problem.line,
    }));
  }

  /** The text, or undefined if the key is missing or empty. */
  text(key: string): string | undefined {
    const value = getText(this.doc, key);
    return value === '' ? undefined : value;
  }

  /** The value for a message. */
  shown(key: string): string {
    return shown(getText(this.doc, key) ?? '');
  }

  flag(key: string, fallback: boolean): boolean {
    return this.#typed(key, 'TRUE or FALSE', (problems) => getBoolean(this.doc, key, fallback, problems));
  }

  /** An integer within the range, or the fallback with a problem. Without a range, validateModel checks the number. */
  integer(key: string, fallback: number, range: Range = anyInteger): number {
    const allowed =
      range === anyInteger ? 'a whole number' : `a whole number from ${range.min} to ${range.max}`;
    const value = this.#typed(key, allowed, (problems) => getInteger(this.doc, key, fallback, problems));
    if (value === fallback || (value >= range.min && value <= range.max)) return value;
    this.odd(key, allowed, `Using ${fallback}`);
    return fallback;
  }

  /** One of the words, ignoring case, or the fallback with a problem. */
  choice<T extends string>(key: string, words: readonly T[], fallback: T): T {
    const text = this.text(key);
    if (text === undefined) return fallback;
    const found = words.find((word) => word.toLowerCase() === text.trim().toLowerCase());
    if (found === undefined) this.odd(key, listOf(words), `Using ${fallback}`);
    return found ?? fallback;
  }

  /** Reports an invalid value; `instead` is a sentence that says what happens, such as `Using efi`. */
  odd(key: string, allowed: string, instead: string): void {
    const value = this.shown(key);
    this.#add('warning', key, allowed, `${key} is "${value}"; it must be ${allowed}. ${instead}.`);
  }

  /** Reports something worth knowing that changes no value. */
  warn(key: string, message: string): void {
    this.#add('warning', key, '', message);
  }

  /** Reports a valid value that Kame does not support; `allowed` is what it supports. */
  unsupported(key: string, allowed: string, message: string): void {
    this.#add('warning', key, allowed, message);
  }

  /** Reports a device that is ignored; `allowed` is the value that it would need. */
  leaveOut(key: string, allowed: string, message: string): void {
    this.#add('warning', key, allowed, `${message} Ignoring the device.`);
  }

  /** Reports that the machine cannot be used. */
  fatal(key: string, message: string): void {
    this.#add('error', key, '', message);
  }

  #typed<T>(key: string, allowed: string, read: (problems: VmxProblem[]) => T): T {
    const problems: VmxProblem[] = [];
    const value = read(problems);
    for (const problem of problems) this.#add('warning', key, allowed, shownMessage(problem.message));
    return value;
  }

  #add(severity: ModelProblem['severity'], key: string, allowed: string, message: string): void {
    const line = lineOf(this.doc, key);
    const value = this.shown(key);
    this.problems.push({ severity, key, value, allowed, message, ...(line === undefined ? {} : { line }) });
  }
}

/** VMware's message contains the whole value, so a long message is shortened. */
function shownMessage(message: string): string {
  return message.length > 240 ? `${shown(message)} …` : message.replace(/\p{Cc}/gu, '\uFFFD');
}

/** `a, b or c`. */
export function listOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}
