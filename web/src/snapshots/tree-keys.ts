/**
 * Where a key leads in a tree that is drawn line by line and always open, as in the tree view of ARIA's authoring practices.
 * @param levels of the lines, from above
 * @param at the line that is chosen
 * @returns the index of another line; -1 if the key leads nowhere
 */
export function stepIn(levels: readonly number[], at: number, key: string): number {
  const level = levels[at] ?? 0;
  switch (key) {
    case 'ArrowDown':
      return at + 1 < levels.length ? at + 1 : -1;
    case 'ArrowUp':
      return at - 1;
    case 'ArrowLeft':
      return levels.slice(0, at).findLastIndex((each) => each < level);
    case 'ArrowRight':
      return (levels[at + 1] ?? 0) > level ? at + 1 : -1;
    case 'Home':
      return 0;
    case 'End':
      return levels.length - 1;
    default:
      return -1;
  }
}
