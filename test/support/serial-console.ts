import { poll } from '../../src/core/deadline.ts';
import type { Guest } from './guest.ts';

/** A root shell on a guest's serial console. */
export interface SerialShell extends Disposable {
  /** All that the guest has written since the console was opened. */
  seen(): string;
  type(line: string): Promise<void>;
  /** Waits until the guest has written that. */
  shows(text: string): Promise<void>;
}

/** Opens the console of a guest whose login waits there. */
export async function openSerialShell(guest: Guest): Promise<SerialShell> {
  const console = await guest.home.ask(async (client) => await client.machines.console(guest.name));
  let seen = '';
  void (async () => {
    for await (const chunk of console.output) seen += Buffer.from(chunk).toString();
  })();
  const shell: SerialShell = {
    seen: () => seen,
    type: async (line) => await console.write(Buffer.from(`${line}\n`)),
    shows: async (text) => {
      const look = async () => (seen.includes(text) ? true : undefined);
      if (!(await poll(look, { deadlineMs: 30_000 }))) throw new Error(`No "${text}" in:\n${seen}`);
    },
    [Symbol.dispose]: () => console.close(),
  };
  await shell.type('\nroot');
  await shell.shows('# ');
  return shell;
}

/**
 * Types a line for a root shell, where it ends the guest or its agent: nothing is left then to say how the line ended, and
 * what the agent begins could end it before its answer has come.
 * @param shows what the guest writes when the line has been read, or has run
 */
export async function typeInGuest(guest: Guest, line: string, shows = line): Promise<void> {
  using shell = await openSerialShell(guest);
  await shell.type(line);
  await shell.shows(shows);
}
