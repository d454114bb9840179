import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KameError } from '../../src/core/errors.ts';
import type { ModelProblem } from '../../src/model/problem.ts';
import { parseVmx, printVmx, type VmxDocument } from '../../src/vmx/document.ts';

// Short ways from texts to documents and back.

/** Bytes of a text in ISO 8859-1. */
export const latin = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
export const parse = (text: string): VmxDocument => parseVmx(new TextEncoder().encode(text));
export const print = (doc: VmxDocument): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(printVmx(doc));
/** Through the bytes, as the next start of the program sees it. */
export const again = (doc: VmxDocument): VmxDocument => parseVmx(printVmx(doc));

/** A file in the shape that one of VMware's products or Packer writes. */
export const fixtureBytes = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../../src/vmx/fixtures', name)));
export const fixture = (name: string): VmxDocument => parseVmx(fixtureBytes(name));

/** Code and message of the error that a call throws. */
export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof KameError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing thrown';
}

/** Severity and key of each problem. */
export const keysWith = (problems: readonly ModelProblem[]): string[] =>
  problems.map(({ severity, key }) => `${severity} ${key}`);
