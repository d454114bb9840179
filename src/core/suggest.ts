/**
 * The Damerau-Levenshtein distance (optimal string alignment): how many letters must be inserted, deleted, replaced
 * or swapped with their neighbour to turn one word into the other.
 */
export function editDistance(from: string, to: string): number {
  const a = Array.from(from);
  const b = Array.from(to);
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/** A longer word is not a typing error; comparing it would only take time. */
const longest = 100;

/**
 * The candidate that was probably meant, for "did you mean", or undefined when none is similar. Case is ignored. A
 * word that is a prefix of exactly one candidate stands for that candidate.
 * @param farthest how many letters may differ; by default a third of the length of the word
 */
export function suggest(word: string, candidates: Iterable<string>, farthest?: number): string | undefined {
  if (word === '' || word.length > longest) return undefined;
  const wanted = word.toLowerCase();
  const limit = farthest ?? Math.max(1, Math.floor(Array.from(word).length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  const begun: string[] = [];
  for (const candidate of candidates) {
    const folded = candidate.toLowerCase();
    if (wanted.length >= 2 && folded.startsWith(wanted)) begun.push(candidate);
    if (Math.abs(folded.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, folded);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best ?? (begun.length === 1 ? begun[0] : undefined);
}
