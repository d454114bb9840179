/** A name that no machine has yet. */
export function freeName(wanted: string, taken: readonly string[]): string {
  const stem = wanted.replace(/[^\p{L}\p{N}.-]+/gu, '-').replace(/^[.-]+|[.-]+$/gu, '') || 'machine';
  const used = new Set(taken.map((name) => name.toLowerCase()));
  for (let n = 1; ; n++) {
    const name = n === 1 ? stem : `${stem}-${n}`;
    if (!used.has(name.toLowerCase())) return name;
  }
}
