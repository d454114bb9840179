import { sectorBytes } from './descriptor.ts';

/** A file of a disk that has its descriptor in another one. */
export interface ExtentFile {
  readonly fileName: string;
  /** In bytes from the start of the disk. */
  readonly start: number;
  readonly size: number;
}

/** The most that VMware puts into one file of a split disk: a whole number of grains. */
const maxPartBytes = 4_192_256 * sectorBytes;

function stemOf(fileName: string): string {
  return fileName.replace(/\.vmdk$/iu, '');
}

/** The only file of a disk. @param fileName of its descriptor */
export function wholeExtent(fileName: string, size: number): readonly ExtentFile[] {
  return [{ fileName: `${stemOf(fileName)}-flat.vmdk`, start: 0, size }];
}

/** The files of a split disk. @param fileName of its descriptor @param letter `f` for flat files, `s` for sparse ones */
export function splitExtents(fileName: string, size: number, letter: 'f' | 's'): readonly ExtentFile[] {
  const count = Math.max(1, Math.ceil(size / maxPartBytes));
  return Array.from({ length: count }, (_, index) => ({
    fileName: `${stemOf(fileName)}-${letter}${String(index + 1).padStart(3, '0')}.vmdk`,
    start: index * maxPartBytes,
    size: Math.min(maxPartBytes, size - index * maxPartBytes),
  }));
}
