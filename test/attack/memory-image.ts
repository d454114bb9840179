import { ImageFile } from '../../src/disk/format/image-file.ts';

/** An image whose bytes are in memory, for parsers that read parts of a file. */
export function memoryImage(bytes: Buffer): ImageFile {
  const handle = {
    read: async (buffer: Buffer, offset: number, length: number, position: number) => {
      const bytesRead =
        position >= bytes.length ? 0 : bytes.copy(buffer, offset, position, position + length);
      return await Promise.resolve({ bytesRead });
    },
    close: async () => await Promise.resolve(),
  };
  const facts = { size: bytes.length, blocks: Math.ceil(bytes.length / 512), nlink: 1, dev: 1, ino: 1 };
  return new ImageFile('/a/disk', handle, facts);
}
