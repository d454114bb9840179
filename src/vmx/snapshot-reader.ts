import { getText, type VmxDocument, type VmxProblem } from './document.ts';
import { snapshotLimits, type SnapshotProblem } from './snapshot-model.ts';
import { getBoolean, getInteger } from './values.ts';

/** Values come from outside: what a message shows of them has an end and no control characters. */
function shown(value: string): string {
  const clean = value.replace(/[\p{Cc}\p{Cf}\p{Surrogate}]/gu, '\uFFFD');
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean;
}

/** Reads values of a `.vmsd` and gathers what is odd about them. Never throws. */
export class SnapshotReader {
  readonly doc: VmxDocument;
  readonly problems: SnapshotProblem[] = [];

  constructor(doc: VmxDocument) {
    this.doc = doc;
  }

  odd(key: string, message: string, uid: number | null = null): void {
    this.problems.push({ key, message, uid });
  }

  text(key: string): string {
    return getText(this.doc, key) ?? '';
  }

  /** The value for a message. */
  shown(key: string): string {
    return shown(this.text(key));
  }

  /** TRUE or FALSE. Undefined where the key is missing or empty and, with a problem, where it is bad. */
  flag(key: string): boolean | undefined {
    if (this.text(key) === '') return undefined;
    const problems: VmxProblem[] = [];
    const value = getBoolean(this.doc, key, false, problems);
    if (problems.length === 0) return value;
    this.odd(key, `${key} is "${this.shown(key)}"; allowed is TRUE or FALSE.`);
    return undefined;
  }

  /** A whole number from min to max. Undefined where the key is missing or empty and, with a problem, where it is bad. */
  integer(
    key: string,
    min = 0,
    max: number = snapshotLimits.integer,
    uid: number | null = null,
  ): number | undefined {
    if (this.text(key) === '') return undefined;
    const value = getInteger(this.doc, key, Number.NaN);
    // + 0 takes the sign from a -0.
    if (value >= min && value <= max) return value + 0;
    this.odd(key, `${key} is "${this.shown(key)}"; allowed is a whole number from ${min} to ${max}.`, uid);
    return undefined;
  }

  /** Reports a count that is not what is there. What is there counts. */
  count(key: string, there: number, uid: number | null = null): void {
    const text = this.text(key);
    if (text === '' || Number(text) === there) return;
    this.odd(key, `${key} is "${this.shown(key)}", but ${there} can be read.`, uid);
  }

  /** A file’s name: any is kept, and one that leads out of the machine’s folder is reported. */
  fileName(key: string, uid: number | null = null): string {
    const name = this.text(key);
    const reason = oddName(name);
    if (reason !== undefined) this.odd(key, `${key} is "${this.shown(key)}": ${reason}.`, uid);
    return name;
  }
}

function oddName(name: string): string | undefined {
  if (name === '') return 'a file’s name must be there';
  if (name.includes('\0')) return 'it has a zero byte';
  if (/^[/\\]|^[A-Za-z]:/.test(name)) return 'it is not within the machine’s folder';
  if (name.split(/[/\\]/).includes('..')) return 'it leads out of the machine’s folder';
  return undefined;
}
