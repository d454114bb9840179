import type { FileHandle } from 'node:fs/promises';

/** Writes successive parts at a position, however many calls that takes. @throws the error of the file system */
export async function writeFully(
  file: FileHandle,
  parts: readonly Buffer[],
  position: number,
): Promise<void> {
  let left = [...parts];
  let at = position;
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left, at);
    at += bytesWritten;
    left = rest(left, bytesWritten);
  }
}

function rest(parts: readonly Buffer[], written: number): Buffer[] {
  let done = 0;
  for (const [index, part] of parts.entries()) {
    if (done + part.length > written) return [part.subarray(written - done), ...parts.slice(index + 1)];
    done += part.length;
  }
  return [];
}
