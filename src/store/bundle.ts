import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { KameError, errnoOf, messageOf } from '../core/errors.ts';
import { readFileCapped, writeFileAtomic } from '../sys/files.ts';
import { parseVmx, printVmx, type VmxDocument } from '../vmx/document.ts';
import { readModel, type SpecProblem } from '../model/read.ts';
import type { MachineModel } from '../model/machine.ts';
import { bundleExtension, isBundle, machineNames, type MachineNames } from './names.ts';

/** A `.vmx` as it lies on disk. A file that can't be read is a machine too: a broken one, with the reason. */
export interface Bundle {
  readonly names: MachineNames;
  readonly name: string;
  /** Undefined when broken. */
  readonly content?: { readonly document: VmxDocument; readonly model: MachineModel };
  readonly problems: readonly SpecProblem[];
  /** Why the machine can't be used, or null. */
  readonly broken: string | null;
}

/** A `.vmx` of a real machine has a few KiB. */
const maxVmxBytes = 1024 * 1024;

function fallbackName(names: MachineNames): string {
  return isBundle(names.directory) ? basename(names.directory, bundleExtension) : names.stem;
}

function reasonOf(error: unknown, vmx: string): string {
  if (error instanceof KameError && errnoOf(error.cause) === 'ENOENT') return `${vmx} is not there.`;
  const message = messageOf(error);
  return message.includes(vmx) ? message : `${vmx}: ${message}`;
}

/** Reads a machine's `.vmx`. Never throws: what is wrong is in `broken` and `problems`. */
export async function readBundle(vmx: string): Promise<Bundle> {
  const names = machineNames(vmx);
  try {
    const document = parseVmx(await readFileCapped(vmx, maxVmxBytes), vmx);
    const { model, problems } = readModel(document);
    const fatal = problems.find((problem) => problem.severity === 'error');
    const name = model.displayName === '' ? fallbackName(names) : model.displayName;
    return { names, name, content: { document, model }, problems, broken: fatal ? fatal.message : null };
  } catch (error) {
    return { names, name: fallbackName(names), problems: [], broken: reasonOf(error, vmx) };
  }
}

/** What the machine is. @throws KameError BROKEN_MACHINE with the reason */
export function contentOf(bundle: Bundle): { document: VmxDocument; model: MachineModel } {
  if (!bundle.content || bundle.broken !== null) {
    throw new KameError('BROKEN_MACHINE', `The machine ${bundle.name} can’t be used: ${bundle.broken}`, {
      details: { path: bundle.names.vmx },
    });
  }
  return bundle.content;
}

/** Replaces the `.vmx`: at any instant the old or the new one is there. */
export async function writeVmx(
  vmx: string,
  document: VmxDocument,
  options: { readonly sync?: boolean } = {},
): Promise<void> {
  await writeFileAtomic(vmx, printVmx(document), 0o644, options);
}

interface CacheEntry {
  readonly stamp: string;
  readonly bundle: Bundle;
}

/** Reads machine files again only when they have changed on disk. */
export class BundleCache {
  readonly #entries = new Map<string, CacheEntry>();

  async read(vmx: string): Promise<Bundle> {
    const stamp = await stampOf(vmx);
    const cached = this.#entries.get(vmx);
    if (cached && stamp !== undefined && cached.stamp === stamp) return cached.bundle;
    const bundle = await readBundle(vmx);
    if (stamp === undefined) this.#entries.delete(vmx);
    else this.#entries.set(vmx, { stamp, bundle });
    return bundle;
  }

  /** Forgets what is no longer in the inventory. */
  keepOnly(paths: readonly string[]): void {
    const keep = new Set(paths);
    for (const path of this.#entries.keys()) if (!keep.has(path)) this.#entries.delete(path);
  }
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch {
    return undefined;
  }
}

/** Adds a line of Kame's own to a machine's log. The log never stops an operation. */
export async function appendLog(names: MachineNames, line: string): Promise<void> {
  try {
    const log = await open(names.log, 'a', 0o600);
    try {
      await log.write(`${new Date().toISOString()} kame: ${line}\n`);
    } finally {
      await log.close();
    }
  } catch {
    // The disk may be full; the operation itself will say so.
  }
}
