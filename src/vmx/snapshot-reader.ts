import { getText, type VmxDocument, type VmxProblem } from './document.ts';
import { snapshotLimits, type SnapshotProblem } from './snapshot-model.ts';
import { getBoolean, getInteger } from './values.ts';

/** A value for a message. Values are untrusted, so it is shortened and has no control characters. */
function shown(value: string): string {
  const clean = value.replace(/[\p{Cc}\p{Cf}\p{Surrogate}]/gu, '\uFFFD');
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean;
}

/** Reads values of a `.vmsd` and collects problems. Never throws. */
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

  /** TRUE or FALSE. Undefined if the key is missing or empty, or, with a problem, if its value is invalid. */
  flag(key: string): boolean | undefined {
    if (this.text(key) === '') return undefined;
    const problems: VmxProblem[] = [];
    const value = getBoolean(this.doc, key, false, problems);
    if (problems.length === 0) return value;
    this.odd(key, `${key} is "${this.shown(key)}"; it must be TRUE or FALSE.`);
    return undefined;
  }

  /** A whole number from min to max. Undefined if the key is missing or empty, or, with a problem, if it is invalid. */
  integer(
    key: string,
    min = 0,
    max: number = snapshotLimits.integer,
    uid: number | null = null,
  ): number | undefined {
    if (this.text(key) === '') return undefined;
    const value = getInteger(this.doc, key, Number.NaN);
    // + 0 turns -0 into 0.
    if (value >= min && value <= max) return value + 0;
    this.odd(key, `${key} is "${this.shown(key)}"; it must be a whole number from ${min} to ${max}.`, uid);
    return undefined;
  }

  /** Reports a count in the file that differs from the number of items found. */
  count(key: string, there: number, uid: number | null = null): void {
    const text = this.text(key);
    if (text === '' || Number(text) === there) return;
    this.odd(key, `${key} is "${this.shown(key)}", but the file has ${there}.`, uid);
  }

  /** A file name. Any name is kept, but one that leads out of the folder of the machine is reported. */
  fileName(key: string, uid: number | null = null): string {
    const name = this.text(key);
    const reason = oddName(name);
    if (reason !== undefined) this.odd(key, `${key} is "${this.shown(key)}": ${reason}.`, uid);
    return name;
  }
}

function oddName(name: string): string | undefined {
  if (name === '') return 'the file name is missing';
  if (name.includes('\0')) return 'it contains a zero byte';
  if (/^[/\\]|^[A-Za-z]:/.test(name)) return 'it is not in the folder of the machine';
  if (name.split(/[/\\]/).includes('..')) return 'it leads out of the folder of the machine';
  return undefined;
}
