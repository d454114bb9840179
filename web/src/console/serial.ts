import type { Terminal } from '@xterm/xterm';
import { client } from '../data/client.ts';

/** Milliseconds until the serial console is tried again. */
const againMs = 1000;

/** Connects a terminal to the serial console of a machine, again and again when it is lost, until the signal. */
export async function attachSerial(
  machine: string,
  terminal: Terminal,
  tell: (isLive: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const connection = await client.machines.console(machine, { signal });
      const write = (data: string | Uint8Array) =>
        void connection
          .write(typeof data === 'string' ? new TextEncoder().encode(data) : data)
          .catch(() => undefined);
      const listening = [
        terminal.onData(write),
        terminal.onBinary((data) => write(Uint8Array.from(data, (each) => each.charCodeAt(0)))),
      ];
      tell(true);
      try {
        for await (const part of connection.output)
          await new Promise<void>((resolve) => terminal.write(part, resolve));
      } finally {
        for (const each of listening) each.dispose();
        connection.close();
      }
    } catch {
      // What was wrong is seen from the state of the machine, and it is tried again.
    }
    if (signal.aborted) return;
    tell(false);
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}
