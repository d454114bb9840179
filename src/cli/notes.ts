import type { Session } from './session.ts';

/** Tells what is odd about what was done, though it was done as asked. With --json it stands in `notes`. */
export function noteAll(session: Session, name: string, notes: readonly string[]): void {
  for (const note of notes) session.note(note.includes(name) ? note : `${name}: ${note}`);
}
