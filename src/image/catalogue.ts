import * as z from 'zod';
import { KameError, errnoOf, messageOf } from '../core/errors.ts';
import type { Arch } from '../model/machine.ts';
import { parseChecksum, type Checksum, type HashAlgorithm } from '../net/checksum.ts';
import { readFileCapped } from '../sys/files.ts';
import { catalogueRows, type CatalogueRow } from './catalogue-data.ts';

/** The source of the checksum of an image. */
export type ChecksumSource =
  | { readonly kind: 'fixed'; readonly checksum: Checksum }
  | { readonly kind: 'sums'; readonly url: string; readonly file: string; readonly algorithm: HashAlgorithm };

interface CommonEntry {
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly arch: Arch;
  /** VMware guest OS id. */
  readonly guestOS: string;
  /** The default user of the image. */
  readonly user: string;
  /** Whether the image reads a NoCloud seed. */
  readonly cloudInit: boolean;
}

/** An image that is downloaded. */
export interface DownloadEntry extends CommonEntry {
  readonly kind: 'download';
  readonly url: string;
  /** Approximate size of the download, in bytes. */
  readonly sizeBytes: number;
  readonly checksum: ChecksumSource;
}

/** An image that Kame builds itself. */
export interface EmbeddedEntry extends CommonEntry {
  readonly kind: 'embedded';
}

export type CatalogueEntry = DownloadEntry | EmbeddedEntry;

export const tinyId = 'tiny';
const arches = ['aarch64', 'x86_64'] as const satisfies readonly Arch[];
const debianArch: Record<Arch, string> = { aarch64: 'arm64', x86_64: 'amd64' };

function guestOSFor(arch: Arch, id: string): string {
  if (arch === 'x86_64') return id;
  // VMware has no ARM id for openSUSE.
  return id === 'opensuse-64' ? 'arm-other6xlinux-64' : `arm-${id}`;
}

function entryOf(row: CatalogueRow, arch: Arch): DownloadEntry {
  const archName = row.archNames === 'debian' ? debianArch[arch] : arch;
  const url = row.url.replaceAll('{arch}', archName);
  const file = url.slice(url.lastIndexOf('/') + 1);
  const sums = row.sums.replaceAll('{arch}', archName).replaceAll('{file}', file);
  return {
    kind: 'download',
    id: row.id,
    name: row.name,
    arch,
    guestOS: guestOSFor(arch, row.guestOS),
    user: row.user,
    cloudInit: true,
    url,
    sizeBytes: row.mebibytes * 1024 * 1024,
    checksum: { kind: 'sums', url: sums, file, algorithm: row.algorithm },
  };
}

function tinyEntry(arch: Arch): EmbeddedEntry {
  return {
    kind: 'embedded',
    id: tinyId,
    name: 'Tiny (Debian kernel, busybox)',
    arch,
    guestOS: arch === 'aarch64' ? 'arm-debian12-64' : 'debian12-64',
    user: 'root',
    cloudInit: false,
  };
}

/** The catalogue that comes with Kame: `tiny`, then one entry for each distribution, version and architecture. */
export function builtInCatalogue(): CatalogueEntry[] {
  return arches.flatMap((arch) => [tinyEntry(arch), ...catalogueRows.map((row) => entryOf(row, arch))]);
}

const url = z
  .string()
  .max(2048)
  .regex(/^https?:\/\//u, 'must be an http or https URL');
const userEntry = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/u, 'must be 1 to 64 characters of a-z 0-9 . _ -'),
    name: z.string().min(1).max(200).optional(),
    arch: z.enum(arches),
    url,
    checksum: z.string().max(200).optional(),
    sums: z
      .strictObject({ url, algorithm: z.enum(['sha256', 'sha512']), file: z.string().max(300).optional() })
      .optional(),
    sizeBytes: z
      .int()
      .min(1)
      .max(2 ** 46)
      .optional(),
    guestOS: z
      .string()
      .regex(/^[a-z0-9-]{1,60}$/u)
      .optional(),
    user: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}$/u)
      .optional(),
    cloudInit: z.boolean().optional(),
  })
  .refine((entry) => entry.id !== tinyId, `the id ${tinyId} is reserved`)
  .refine(
    (entry) => (entry.checksum === undefined) !== (entry.sums === undefined),
    'needs exactly one of checksum and sums',
  );
const userCatalogue = z.strictObject({ images: z.array(userEntry).max(1000) });

function invalid(path: string, reason: string): KameError {
  return new KameError('INVALID_VALUE', `The catalogue ${path} ${reason}.`, {
    next: 'Correct or remove the file; docs/internals.md describes its format.',
    details: { path },
  });
}

/** The last part of a URL as a list of checksums has it: without percent-encoding. */
function fileNameOf(text: string): string {
  const part = new URL(text).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function userEntryOf(path: string, entry: z.infer<typeof userEntry>): DownloadEntry {
  const file = fileNameOf(entry.url);
  let checksum: ChecksumSource;
  if (entry.sums) {
    checksum = {
      kind: 'sums',
      url: entry.sums.url,
      file: entry.sums.file ?? file,
      algorithm: entry.sums.algorithm,
    };
  } else {
    const fixed = parseChecksum(entry.checksum ?? '');
    if (!fixed)
      throw invalid(path, `has a checksum for ${entry.id} that is neither sha256=HEX nor sha512=HEX`);
    checksum = { kind: 'fixed', checksum: fixed };
  }
  return {
    kind: 'download',
    id: entry.id,
    name: entry.name ?? entry.id,
    arch: entry.arch,
    guestOS: entry.guestOS ?? guestOSFor(entry.arch, 'other6xlinux-64'),
    user: entry.user ?? 'root',
    cloudInit: entry.cloudInit ?? true,
    url: entry.url,
    sizeBytes: entry.sizeBytes ?? 0,
    checksum,
  };
}

/**
 * Reads the user's catalogue: `{"images": [{id, arch, url, checksum | sums: {url, algorithm, file?}, name?, sizeBytes?,
 * guestOS?, user?, cloudInit?}]}`. A missing file counts as an empty catalogue.
 * @throws KameError INVALID_VALUE naming the file, the entry and the problem; FILE_ACCESS
 */
export async function readUserCatalogue(path: string): Promise<DownloadEntry[]> {
  let text: string;
  try {
    text = (await readFileCapped(path, 1024 * 1024)).toString('utf8');
  } catch (error) {
    if (error instanceof KameError && errnoOf(error.cause) === 'ENOENT') return [];
    throw error;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(path, `is not valid JSON: ${messageOf(error)}`);
  }
  const parsed = userCatalogue.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(path, `is invalid at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  return parsed.data.images.map((entry) => userEntryOf(path, entry));
}

/** Both catalogues. An entry of the user replaces the built-in one with the same id and architecture. */
export async function readCatalogue(userPath: string): Promise<CatalogueEntry[]> {
  const user = await readUserCatalogue(userPath);
  const taken = new Set(user.map(({ id, arch }) => `${id} ${arch}`));
  return [...builtInCatalogue().filter(({ id, arch }) => !taken.has(`${id} ${arch}`)), ...user];
}
