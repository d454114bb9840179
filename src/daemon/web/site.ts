import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { fileError } from '../../sys/files.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Files in this directory have a hash of their content in their names, so a browser may keep them for a year. */
const hashed = '/assets/';

export interface SiteFile {
  readonly path: string;
  readonly type: string;
  readonly caching: string;
}

/** The file that is the page itself. */
const pageName = '/index.html';

/** The most that is read of a file, in bytes; far more than any file of the page. */
const maxBytes = 16 * 1024 * 1024;

/**
 * The files of the web desktop. Which there are is looked up once, and a request names one of them or none: no part of a request
 * ever becomes a path. Links and files of unknown types are left out.
 */
export class Site {
  readonly #files: ReadonlyMap<string, SiteFile>;

  private constructor(files: ReadonlyMap<string, SiteFile>) {
    this.#files = files;
  }

  /** @throws KameError INTERNAL if the page was not built */
  static async in(directory: string): Promise<Site> {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = new Map<string, SiteFile>();
    for (const entry of entries) {
      const type = types[extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const path = join(entry.parentPath, entry.name);
      const name = `/${relative(directory, path).split(sep).join('/')}`;
      const caching = name.startsWith(hashed) ? 'public, max-age=31536000, immutable' : 'no-cache';
      files.set(name, { path, type, caching });
    }
    const page = files.get(pageName);
    if (!page)
      throw new KameError('INTERNAL', `The web desktop is not in ${directory}.`, {
        next: 'Install Kame again, or build it in a clone: npm run build.',
      });
    files.set('/', page);
    return new Site(files);
  }

  /** The file at the path of an address. */
  find(path: string): SiteFile | undefined {
    return this.#files.get(path);
  }
}

/** The content of a file, which must still be one. @throws KameError FILE_ACCESS */
export async function contentOf({ path }: SiteFile): Promise<Buffer> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const { size } = await handle.stat();
    if (size > maxBytes) throw new KameError('FILE_ACCESS', `${path} is too large.`);
    return await handle.readFile();
  } catch (error) {
    throw error instanceof KameError ? error : fileError(error, path);
  }
}
