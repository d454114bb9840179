import { badImage, ImageFile } from '../format/image-file.ts';
import { maxDescriptorBytes, parseDescriptor, sectorBytes, type Descriptor } from './descriptor.ts';
import { readSparseHeader, type SparseHeader } from './sparse-header.ts';

/** Whether a file begins as a sparse extent, hosted or of ESX, does: its descriptor, if any, is inside. */
export async function isSparseFile(file: ImageFile): Promise<boolean> {
  return ['KDMV', 'COWD'].includes((await file.readUpTo(0, 4)).toString('latin1'));
}

/** The descriptor inside a sparse file. @throws KameError BAD_IMAGE when it has none, or one that does not fit */
export async function embeddedDescriptor(file: ImageFile, header: SparseHeader): Promise<Descriptor> {
  const length = Math.min(header.descriptorSectors * sectorBytes, maxDescriptorBytes);
  const text = await file.readUpTo(header.descriptorOffset * sectorBytes, length);
  // The parts of a split disk have no descriptor, or an empty one.
  if (header.descriptorOffset === 0 || text.every((byte) => byte === 0)) {
    throw badImage(
      file.path,
      'is one part of a split disk, or has lost its descriptor',
      'Give the path of the descriptor instead: the small .vmdk without -s001.',
    );
  }
  return parseDescriptor(file.path, text);
}

/** The descriptor that a file consists of. @throws KameError BAD_IMAGE */
export async function plainDescriptor(file: ImageFile): Promise<Descriptor> {
  if (file.size > maxDescriptorBytes)
    throw badImage(file.path, `is too long for a VMDK descriptor (${file.size} bytes)`);
  return parseDescriptor(file.path, await file.readUpTo(0, file.size));
}

/** The content id of a VMDK, which changes with its content. @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, FILE_ACCESS */
export async function contentIdOf(path: string): Promise<string> {
  await using file = await ImageFile.open(path, { follow: false });
  const { cid } = (await isSparseFile(file))
    ? await embeddedDescriptor(file, await readSparseHeader(file))
    : await plainDescriptor(file);
  return cid;
}
