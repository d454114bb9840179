import type { Disk } from './disk.ts';
import { ImageFile } from './image-file.ts';

/**
 * Opens a disk that is in one file. The caller disposes of it, and so closes the file; after an error it is closed already.
 * @param read what the disk is, from the headers of the file
 * @throws KameError NO_SUCH_IMAGE, FILE_ACCESS, and what `read` throws
 */
export async function openDiskInFile(
  path: string,
  read: (file: ImageFile) => Promise<Omit<Disk, typeof Symbol.asyncDispose>>,
): Promise<Disk> {
  const file = await ImageFile.open(path);
  const close = async (): Promise<void> => await file[Symbol.asyncDispose]();
  try {
    return { ...(await read(file)), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
