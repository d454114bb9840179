import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { KameError, errnoOf, messageOf } from '../core/errors.ts';
import type { MachineModel } from '../model/machine.ts';
import { readModel, type SpecProblem } from '../model/read.ts';
import { writeFileAtomic } from '../sys/files.ts';
import { openToAppend, readOwn } from '../sys/own-file.ts';
import { parseVmx, printVmx, vmxLimits, type VmxDocument } from '../vmx/document.ts';
import { whyMissing } from './bundle-directory.ts';
import { bundleExtension, isBundle, machineNames, type MachineNames } from './names.ts';

/** The files of a machine on disk, and the content of its `.vmx`. If that cannot be read, the machine is broken. */
export interface Bundle {
  readonly names: MachineNames;
  readonly name: string;
  /** Undefined when broken. */
  readonly content?: { readonly document: VmxDocument; readonly model: MachineModel };
  readonly problems: readonly SpecProblem[];
  /** Why the machine cannot be used, or null. */
  readonly broken: string | null;
}

/** A name that cannot look like something else in a message, a log or a list: it has no line breaks and no control characters. */
function oneLine(name: string): string {
  return name.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD');
}

/** The name of a machine by its files: that of its bundle, or of its `.vmx`. */
export function fileNameOf(names: MachineNames): string {
  return isBundle(names.directory) ? basename(names.directory, bundleExtension) : names.stem;
}

async function reasonOf(error: unknown, vmx: string): Promise<string> {
  if (error instanceof KameError && errnoOf(error.cause) === 'ENOENT') return await whyMissing(vmx);
  const message = messageOf(error);
  return message.includes(vmx) ? message : `${vmx}: ${message}`;
}

/** The bytes of a `.vmx`. @throws KameError FILE_ACCESS, INVALID_VALUE if it is too large */
export async function readVmx(vmx: string): Promise<Buffer> {
  return await readOwn(vmx, { maxBytes: vmxLimits.bytes });
}

/** Reads the `.vmx` of a machine. Never throws: errors are in `broken` and `problems`. */
export async function readBundle(vmx: string): Promise<Bundle> {
  const names = machineNames(vmx);
  try {
    const document = parseVmx(await readVmx(vmx), vmx);
    const { model, problems } = readModel(document);
    const fatal = problems.find((problem) => problem.severity === 'error');
    const name = model.displayName === '' ? fileNameOf(names) : oneLine(model.displayName);
    return { names, name, content: { document, model }, problems, broken: fatal ? fatal.message : null };
  } catch (error) {
    return { names, name: fileNameOf(names), problems: [], broken: await reasonOf(error, vmx) };
  }
}

/** The content of the `.vmx`. @throws KameError BROKEN_MACHINE with the reason if the machine is broken */
export function contentOf(bundle: Bundle): { document: VmxDocument; model: MachineModel } {
  if (!bundle.content || bundle.broken !== null) {
    throw new KameError('BROKEN_MACHINE', `The machine ${bundle.name} cannot be used: ${bundle.broken}`, {
      details: { path: bundle.names.vmx },
    });
  }
  return bundle.content;
}

/** Replaces the `.vmx` atomically. */
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

/** Caches bundles, and reads a `.vmx` again only if it has changed on disk. */
export class BundleCache {
  readonly #entries = new Map<string, CacheEntry>();
  #apart: ReadonlyMap<string, string> = new Map();

  /** Reads a machine, under the name by which it is told apart from its copies. Never throws. */
  async read(vmx: string): Promise<Bundle> {
    const bundle = await this.readAsWritten(vmx);
    const name = this.#apart.get(vmx);
    return name === undefined ? bundle : { ...bundle, name };
  }

  /** Sets the names of machines that differ from those in their `.vmx`, by path. */
  nameApart(names: ReadonlyMap<string, string>): void {
    this.#apart = names;
  }

  /** Reads a machine under the name in its `.vmx`. Never throws. */
  async readAsWritten(vmx: string): Promise<Bundle> {
    const stamp = await stampOf(vmx);
    const cached = this.#entries.get(vmx);
    if (cached && stamp !== undefined && cached.stamp === stamp) return cached.bundle;
    const bundle = await readBundle(vmx);
    // Why a file could not be read may pass without a trace on the file: a drive that was unplugged, too many open files.
    if (stamp === undefined || !bundle.content) this.#entries.delete(vmx);
    else this.#entries.set(vmx, { stamp, bundle });
    return bundle;
  }

  /** Removes entries that are no longer in the inventory. */
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

/** Appends a line of Kame to the log of a machine. Never throws, so that logging never stops an operation. */
export async function appendLog(names: MachineNames, line: string): Promise<void> {
  try {
    const log = await openToAppend(names.log);
    try {
      await log.write(`${new Date().toISOString()} kame: ${line}\n`);
    } finally {
      await log.close();
    }
  } catch {
    // The disk may be full; the operation itself will report that.
  }
}
