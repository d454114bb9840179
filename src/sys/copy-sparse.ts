import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { fileError, temporaryName } from './files.ts';
import { openOwn } from './own-file.ts';

const blockBytes = 64 * 1024;

async function copyBlocks(source: FileHandle, target: FileHandle): Promise<void> {
  const buffer = Buffer.alloc(blockBytes);
  const zeros = Buffer.alloc(blockBytes);
  const { size } = await source.stat();
  for (let at = 0; at < size;) {
    const { bytesRead } = await source.read(buffer, 0, blockBytes, at);
    if (bytesRead === 0) break;
    const data = buffer.subarray(0, bytesRead);
    if (!data.equals(zeros.subarray(0, bytesRead))) await target.write(data, 0, bytesRead, at);
    at += bytesRead;
  }
  await target.truncate(size);
  await target.sync();
}

/**
 * Copies a regular file, leaving holes in place of zeros. The copy appears under its name only once it is complete. No link
 * is followed: whoever wants that resolves it first.
 * @throws KameError DISK_FULL, FILE_ACCESS; no partial copy is left behind
 */
export async function copySparse(from: string, to: string): Promise<void> {
  const temporary = temporaryName(to);
  const source = await openOwn(from);
  let target: FileHandle | undefined;
  try {
    target = await open(temporary, 'wx', 0o600);
    await copyBlocks(source, target);
    await target.close();
    target = undefined;
    await rename(temporary, to);
  } catch (error) {
    await target?.close();
    await rm(temporary, { force: true });
    throw fileError(error, to);
  } finally {
    await source.close();
  }
}
