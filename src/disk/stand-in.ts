import { open, rm } from 'node:fs/promises';
import { fileError, temporaryName } from '../sys/files.ts';
import { layersOf, type Layer } from './chain.ts';

/**
 * `qemu-img` opens a chain by its headers, and what is below an overlay on a map cannot be given to it otherwise: a header names
 * one file. But what it does with such an overlay needs nothing of what is below: layers that Kame makes have clusters of the
 * same size, and each is written whole. So it gets a file of the same size in place of the map.
 */

/** Whether the content of a disk, below its layers, is in files of another program. */
export function isInPlace(top: Layer): boolean {
  return layersOf(top).some(({ map }) => map !== undefined);
}

/** The content of the stand-in is of no importance, except that a disk of zeros alone would be treated in a way of its own. */
const somethingElse = Buffer.from('This is below nothing that counts.');

/**
 * Makes an empty file of the size of a disk for as long as the work needs it.
 * @throws KameError DISK_FULL, FILE_ACCESS, and what the work throws
 */
export async function withStandIn<T>(top: Layer, work: (standIn: string) => Promise<T>): Promise<T> {
  const path = temporaryName(top.path);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.truncate(top.virtualSize);
      await file.write(somethingElse);
    } finally {
      await file.close();
    }
    return await work(path);
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await rm(path, { force: true });
  }
}

type Node = Readonly<Record<string, unknown>>;

function nodeOf(path: string, backing: Node | null): Node {
  return { driver: 'qcow2', file: { driver: 'file', filename: path }, backing };
}

/** A qcow2 as an argument of qemu-img that opens this file alone, and none that its header names. */
export function alone(path: string): string {
  return `json:${JSON.stringify(nodeOf(path, null))}`;
}

/** Layers, from the top down, on a stand-in, as an argument of qemu-img. */
export function onStandIn(paths: readonly string[], standIn: string): string {
  const below: Node = { driver: 'raw', file: { driver: 'file', filename: standIn } };
  return `json:${JSON.stringify(paths.reduceRight((backing, path) => nodeOf(path, backing), below))}`;
}
