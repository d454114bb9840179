import type { Session } from './session.ts';

/** What the verbs of `kame guest` share. */

export const machineText = 'name, id or .vmx of a machine';
export const guestPathText = 'path in the guest, relative to the home of the user';
export const userOption = ['--user <user>', 'user of the guest; needs kame-tools (default: root)'] as const;

/** Waits for the reply of a guest, and says so if that takes long. */
export async function waitForGuest<T>(session: Session, name: string, reply: Promise<T>): Promise<T> {
  return await session.wait(name, `the guest of ${name}`, reply);
}
