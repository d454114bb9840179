import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { KameError } from '../../src/core/errors.ts';
import { readChain, type ChainOptions } from '../../src/disk/chain.ts';
import { createOverlay } from '../../src/disk/overlay.ts';
import { makeEmptyDisk } from './empty-disk.ts';
import { writeQcow2 } from './qcow2-content.ts';

// Chains of layers in a machine's bundle: each test has a bundle of its own, and room beside it.

export const mebibyte = 1024 * 1024;
/** Virtual size of the layers: bytes. */
export const size = 8 * mebibyte;
/** The directory that contains the bundle. */
export let root = '';
export let bundle = '';
/** Where layers may be: only in the bundle. */
export let inside: string[] = [];

/** Gives each test of a file a bundle of its own. */
export function useBundle(): void {
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'kame-chain-')));
    bundle = join(root, 'm.vmwarevm');
    mkdirSync(bundle);
    inside = [bundle];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
}

/** A disk with something on it. */
export function makeBase(path: string): string {
  makeEmptyDisk(path, size);
  writeQcow2(path, mebibyte, Buffer.alloc(mebibyte, 7));
  return path;
}

/** An empty overlay, in the bundle unless the name is a path. */
export async function overlay(name: string, backing: string, backingFormat: 'qcow2' | 'raw' = 'qcow2') {
  const path = name.startsWith('/') ? name : join(bundle, name);
  await createOverlay({ path, backing, backingFormat, virtualSize: size, sync: false });
  return path;
}

/** Changes a few bytes of a file. */
export function patch(path: string, at: number, bytes: Buffer): void {
  const content = readFileSync(path);
  bytes.copy(content, at);
  writeFileSync(path, content);
}

/** Code and message of the refusal. */
export async function refusalOf(path: string, options: Partial<ChainOptions> = {}): Promise<string> {
  try {
    await readChain(path, { inside, ...options });
    return 'not refused';
  } catch (error) {
    return error instanceof KameError ? `${error.code}: ${error.message}` : `crashed: ${String(error)}`;
  }
}
