import { getText, lineOf, type VmxDocument, type VmxProblem } from './document.ts';

function report(doc: VmxDocument, key: string, message: string, problems: VmxProblem[] | undefined): void {
  problems?.push({ line: lineOf(doc, key) ?? 0, key, message });
}

/**
 * Reads a boolean as VMware does: TRUE or FALSE in any case. Anything else is a problem, worded as VMware does, and
 * yields the fallback. A missing or empty value yields the fallback without a problem.
 */
export function getBoolean(
  doc: VmxDocument,
  key: string,
  fallback: boolean,
  problems?: VmxProblem[],
): boolean {
  const text = getText(doc, key);
  if (text === undefined || text === '') return fallback;
  const folded = text.toLowerCase();
  if (folded === 'true') return true;
  if (folded === 'false') return false;
  const used = fallback ? 'TRUE' : 'FALSE';
  const message = `Value "${text}" for variable "${key}" is not a valid boolean value. Using value "${used}".`;
  report(doc, key, message, problems);
  return fallback;
}

/**
 * Reads a whole number, decimal or with `0x`. Anything else is a problem, worded as VMware does, and yields the
 * fallback. A missing or empty value yields the fallback without a problem.
 */
export function getInteger(doc: VmxDocument, key: string, fallback: number, problems?: VmxProblem[]): number {
  const text = getText(doc, key);
  if (text === undefined || text === '') return fallback;
  const value = /^(?:[+-]?\d{1,15}|0x[0-9a-f]{1,12})$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  const message = `Value "${text}" for variable "${key}" is not a valid integer value. Using value "${fallback}".`;
  report(doc, key, message, problems);
  return fallback;
}

/** A boolean as VMware spells it. */
export function booleanText(value: boolean): 'TRUE' | 'FALSE' {
  return value ? 'TRUE' : 'FALSE';
}
