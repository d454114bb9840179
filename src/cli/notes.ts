import type { Session } from './session.ts';

/** Prints the notes of an operation that succeeded. With --json they are in `notes`. */
export function noteAll(session: Session, name: string, notes: readonly string[]): void {
  for (const note of notes) session.note(note.includes(name) ? note : `${name}: ${note}`);
}
