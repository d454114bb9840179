/** A file of an appliance and the SHA-256 of its content, in hexadecimal. */
export interface HashedFile {
  readonly fileName: string;
  readonly sha256: string;
}

/** The manifest of an appliance (DSP0243, 5.1). */
export function manifestText(files: readonly HashedFile[]): string {
  return files.map(({ fileName, sha256 }) => `SHA256(${fileName})= ${sha256}\n`).join('');
}
