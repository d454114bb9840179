import { basename, dirname, extname, join } from 'node:path';
import { ImageFile } from '../format/image-file.ts';
import { maxDescriptorBytes, parseDescriptor } from './descriptor.ts';

/**
 * The extents beside a VMDK descriptor, as absolute paths; empty for any other file, and for a descriptor that cannot be read.
 * Names with another extension are left out: a descriptor may name any file.
 */
export async function extentFiles(path: string): Promise<string[]> {
  try {
    await using file = await ImageFile.open(path, { follow: false });
    if (file.size > maxDescriptorBytes) return [];
    const { extents } = parseDescriptor(path, await file.readUpTo(0, maxDescriptorBytes));
    const names = extents.flatMap(({ file: name }) => (name === undefined ? [] : [name]));
    const own = names.filter((name) => basename(name) === name && extname(name).toLowerCase() === '.vmdk');
    return own.map((name) => join(dirname(path), name));
  } catch {
    return [];
  }
}
