/** Something that the palette can do. */
export interface Command {
  readonly id: string;
  readonly label: string;
  /** What it is about, such as the name of a machine. */
  readonly about?: string;
  readonly run: () => void | Promise<void>;
}

/** The most commands that are shown at once. */
export const maxShown = 12;

/** The commands that have every word of a query, those that begin with it first. */
export function found(commands: readonly Command[], query: string): readonly Command[] {
  const wanted = query.trim().toLowerCase();
  const words = wanted.split(/\s+/).filter((word) => word !== '');
  const textOf = ({ label, about = '' }: Command) => `${about} ${label}`.toLowerCase();
  const matching = commands.filter((command) => words.every((word) => textOf(command).includes(word)));
  const rank = (command: Command) => (textOf(command).trimStart().startsWith(wanted) ? 0 : 1);
  return matching.toSorted((a, b) => rank(a) - rank(b)).slice(0, maxShown);
}
