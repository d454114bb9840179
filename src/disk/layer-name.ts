import { basename, extname } from 'node:path';
import { cutToBytes } from '../core/text-width.ts';

/** Like VMware, Kame numbers the layers of a disk with six digits: `disk0-000001`. */
const digits = 6;
const numbered = /^(.+)-(\d{6})$/;
const extension = '.qcow2';
/** A file name has at most 255 bytes; a layer adds a number and an extension, and a temporary file 18 more. */
const maxStemBytes = 220;

function split(fileName: string): { stem: string; number: number } {
  const name = basename(fileName, extname(fileName));
  const match = numbered.exec(name);
  return { stem: match?.[1] ?? name, number: Number(match?.[2] ?? 0) };
}

/** The common start of the names of all layers of a disk: `disk0` for `disk0.vmdk` and `/a/disk0-000002.qcow2`. A very long one is cut. */
export function stemOf(fileName: string): string {
  return cutToBytes(split(fileName).stem, maxStemBytes);
}

/** The number of a layer: 2 for `disk0-000002.qcow2`, whatever its extension; 0 for a file without a number. */
export function numberOf(fileName: string): number {
  return split(fileName).number;
}

/** The file name of a new layer: `disk0-000001.qcow2`. A very long stem is cut. @param number from 1 to 999999 */
export function layerName(stem: string, number: number): string {
  return `${cutToBytes(stem, maxStemBytes)}-${String(number).padStart(digits, '0')}${extension}`;
}

/** Whether a file name is that of a layer that Kame added to a disk. */
export function isLayerName(fileName: string): boolean {
  return extname(fileName) === extension && numbered.test(basename(fileName, extension));
}
