import { ImageFile } from '../../src/disk/format/image-file.ts';
import type { FilePiece } from '../support/vhdx.ts';

/** An image of pieces in memory, with zeros between them. @param size in bytes */
export function piecedImage(size: number, pieces: readonly FilePiece[]): ImageFile {
  const handle = {
    read: async (buffer: Buffer, offset: number, length: number, position: number) => {
      const bytesRead = Math.max(0, Math.min(length, size - position));
      const target = buffer.subarray(offset, offset + bytesRead);
      const isCovered = pieces.some(
        ({ at, bytes }) => at <= position && at + bytes.length >= position + bytesRead,
      );
      if (!isCovered) target.fill(0);
      for (const { at, bytes } of pieces)
        if (at < position + bytesRead && at + bytes.length > position)
          bytes.copy(target, Math.max(0, at - position), Math.max(0, position - at));
      return await Promise.resolve({ bytesRead });
    },
    close: async () => await Promise.resolve(),
  };
  const facts = { size, blocks: Math.ceil(size / 512), nlink: 1, dev: 1, ino: 1 };
  return new ImageFile('/a/disk', handle, facts);
}

/** An image whose bytes are in memory, for parsers that read parts of a file. */
export function memoryImage(bytes: Buffer): ImageFile {
  return piecedImage(bytes.length, [{ at: 0, bytes }]);
}
