import { KameError } from '../../../src/core/errors.ts';
import { maxUploadedFiles } from '../../../src/model/uploaded-files.ts';

/** A file of this browser's computer, with its name in the folder that was dropped or picked. */
export interface LocalFile {
  readonly path: string;
  readonly file: File;
}

/** What a browser gives for a file or a folder: the parts of its FileSystemEntry that are used. */
export interface Entry {
  readonly fullPath: string;
  readonly isDirectory: boolean;
}

export interface FileEntry extends Entry {
  readonly file: (give: (file: File) => void, fail: (error: unknown) => void) => void;
}

export interface FolderEntry extends Entry {
  readonly createReader: () => {
    readonly readEntries: (give: (some: Entry[]) => void, fail: (error: unknown) => void) => void;
  };
}

/** What a browser says of something that was dropped. */
export interface Dropped {
  readonly items: Iterable<{ readonly webkitGetAsEntry: () => Entry | null }>;
}

/** A file that was picked; in a folder, with its name there. */
export type Picked = File & { readonly webkitRelativePath?: string };

/**
 * What an import does not read of a machine: logs, saved memory, and what a file manager leaves behind. Saved memory is as large as
 * the memory of the guest.
 */
const unread = /(?:\.(?:log|vmem|vmss|vmsn|scoreboard)|(?:^|\/)\.DS_Store)$/iu;

function tooMany(): KameError {
  return new KameError('USAGE', `The folder has more than ${maxUploadedFiles} files.`, {
    next: 'Drop the folder of one machine.',
  });
}

/** All entries of a folder: a browser gives them a hundred at a time. */
async function entriesOf(folder: FolderEntry): Promise<Entry[]> {
  const reader = folder.createReader();
  const entries: Entry[] = [];
  for (;;) {
    const some = await new Promise<Entry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return entries;
    entries.push(...some);
    if (entries.length > maxUploadedFiles) throw tooMany();
  }
}

async function walk(entries: readonly Entry[]): Promise<LocalFile[]> {
  const waiting = [...entries];
  const files: LocalFile[] = [];
  for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
    const path = entry.fullPath.replace(/^\//u, '');
    if (entry.isDirectory) waiting.push(...(await entriesOf(entry as FolderEntry)));
    else if (!unread.test(path)) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileEntry).file(resolve, reject));
      files.push({ path, file });
    }
    if (files.length + waiting.length > maxUploadedFiles) throw tooMany();
  }
  return files;
}

/**
 * The files that were dropped, and those in the folders that were. To be called while the drop is handled: later, the browser gives
 * nothing any more.
 * @throws KameError USAGE if there are too many
 */
export async function droppedFiles({ items }: Dropped): Promise<LocalFile[]> {
  return await walk([...items].flatMap((item) => item.webkitGetAsEntry() ?? []));
}

/** The files that were picked, or those in the folder that was. @throws KameError USAGE if there are too many */
export function pickedFiles(list: readonly Picked[]): LocalFile[] {
  const files = list
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(({ path }) => !unread.test(path));
  if (files.length > maxUploadedFiles) throw tooMany();
  return files;
}

const imageName = /\.(?:iso|qcow2|img|raw|vmdk)$/iu;

/** The only file, if it becomes an image from which machines are made; undefined for what is a machine itself. */
export function imageIn(files: readonly LocalFile[]): File | undefined {
  const [only, other] = files;
  return only && !other && imageName.test(only.path) ? only.file : undefined;
}

/** Reads the files as if they were one: at least one byte, up to another, of the file that the first byte is in. */
export async function readAcross(files: readonly LocalFile[], from: number, to: number): Promise<Uint8Array> {
  let before = 0;
  for (const { file } of files) {
    const [start, end] = [from - before, to - before];
    if (start < file.size) return new Uint8Array(await file.slice(start, end).arrayBuffer());
    before += file.size;
  }
  return new Uint8Array(0);
}
