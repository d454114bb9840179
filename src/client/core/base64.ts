/** Decodes base64. @throws DOMException if it is malformed */
export function bytesOfBase64(text: string): Uint8Array {
  const characters = globalThis.atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let index = 0; index < characters.length; index += 1) bytes[index] = characters.charCodeAt(index);
  return bytes;
}
