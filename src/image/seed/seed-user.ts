import { parseJson } from '../../core/json.ts';

/** The user that a seed of Kame creates. */
export type SeedUser =
  /** The default user of the image. */
  { readonly kind: 'image' } | { readonly kind: 'named'; readonly name: string };

const head = '#cloud-config\n';
/** The end of an indented JSON object: the only brace at the start of a line. */
const tail = '\n}\n';

/**
 * The user in a seed image, as `makeSeedIso` makes it; undefined for a seed of another program. Its files are not compressed, so
 * their text is in the image as it is.
 */
export function seedUser(image: Buffer): SeedUser | undefined {
  const start = image.indexOf(head);
  const end = image.indexOf(tail, start);
  if (start < 0 || end < 0) return undefined;
  try {
    const text = image.toString('utf8', start + head.length, end + tail.length);
    const { users } = parseJson(text) as { users?: readonly unknown[] };
    const [first] = users ?? [];
    if (first === 'default') return { kind: 'image' };
    const name = typeof first === 'object' && first !== null && 'name' in first ? first.name : undefined;
    return typeof name === 'string' && /^[a-z_][a-z0-9_-]{0,31}$/u.test(name)
      ? { kind: 'named', name }
      : undefined;
  } catch {
    return undefined;
  }
}
