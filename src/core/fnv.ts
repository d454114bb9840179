const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/**
 * The FNV-1a hash of a text, of 32 bits: for choices that must stay the same, not for anything that must be secret.
 * Equal texts with another `salt` have another hash.
 */
export function fnv1a(text: string, salt = 0): number {
  let hash = (offsetBasis ^ salt) >>> 0;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), prime) >>> 0;
  return hash;
}
