import { KameError } from '../core/errors.ts';
import type { Session } from './session.ts';

/** A path of this computer, or of a guest. */
export type CopyEnd =
  | { readonly kind: 'host'; readonly path: string }
  | { readonly kind: 'guest'; readonly machine: string; readonly path: string };

/** Where a name of a machine may end: colons before the first slash, as scp reads them. */
function colonsIn(text: string): number[] {
  const slash = text.indexOf('/');
  const head = slash < 0 ? text : text.slice(0, slash);
  return [...head].flatMap((letter, at) => (letter === ':' && at > 0 ? [at] : []));
}

/**
 * Reads `NAME:PATH` of a guest, or a path of this computer. Of a name with colons, the longest that is of a machine counts.
 * @param known asked only if there are several colons
 */
export async function readCopyEnd(text: string, known: () => Promise<readonly string[]>): Promise<CopyEnd> {
  const colons = colonsIn(text);
  const [first] = colons;
  if (first === undefined) return { kind: 'host', path: text };
  const names = colons.length > 1 ? await known() : [];
  const at = colons.findLast((each) => names.includes(text.slice(0, each))) ?? first;
  return { kind: 'guest', machine: text.slice(0, at), path: text.slice(at + 1) };
}

/** What a copy does, from its words. */
export type CopyRequest =
  | { readonly into: 'guest'; readonly sources: string[]; readonly machine: string; readonly path: string }
  | { readonly into: 'host'; readonly sources: { machine: string; path: string }[]; readonly target: string };

/** @throws KameError USAGE unless exactly one side is in a guest */
export async function readCopy(words: readonly string[], session: Session): Promise<CopyRequest> {
  const known = async () => (await session.client.machines.list()).map(({ name }) => name);
  const ends = await Promise.all(words.map((word) => readCopyEnd(word, known)));
  const target = ends.at(-1);
  const sources = ends.slice(0, -1);
  if (!target || sources.length === 0)
    throw new KameError('USAGE', 'A copy needs a source and a destination.', {
      next: 'For example: kame copy notes.txt demo:/root/',
    });
  if (target.kind === 'guest') {
    const paths = sources.flatMap((each) => (each.kind === 'host' ? [each.path] : []));
    if (paths.length === sources.length) return { into: 'guest', sources: paths, ...target };
  } else {
    const guests = sources.flatMap((each) => (each.kind === 'guest' ? [each] : []));
    if (guests.length === sources.length) return { into: 'host', sources: guests, target: target.path };
  }
  throw new KameError(
    'USAGE',
    'A copy goes from this computer into a guest, or from guests to this computer.',
    {
      next: 'A path in a guest is NAME:PATH. A path of this computer with a colon in it is written ./a:b.',
    },
  );
}
