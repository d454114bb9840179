import type { Terminal } from '@xterm/xterm';
import type { RunningCommand } from '../../../src/client/core/guest-channels.ts';
import { client } from '../data/client.ts';

/** What a person types, as it comes. */
class Typed implements AsyncIterable<Uint8Array> {
  #parts: Uint8Array[] = [];
  #wake: () => void = () => undefined;
  #over = false;

  push(part: Uint8Array): void {
    this.#parts.push(part);
    this.#wake();
  }

  end(): void {
    this.#over = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (!this.#over) {
      yield* this.#parts.splice(0);
      if (this.#parts.length === 0 && !this.#over)
        await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/**
 * Runs the login shell of root in the guest on a terminal, until it ends or the signal.
 * @param started called when it runs
 * @throws KameError as `machines.exec`
 */
export async function runShell(
  machine: string,
  terminal: Terminal,
  started: () => void,
  signal: AbortSignal,
): Promise<void> {
  const input = new Typed();
  let command: RunningCommand | undefined;
  const listening = [
    terminal.onData((data) => input.push(new TextEncoder().encode(data))),
    terminal.onBinary((data) => input.push(Uint8Array.from(data, (each) => each.charCodeAt(0)))),
    terminal.onResize(({ rows, cols }) => command?.resize(rows, cols)),
  ];
  const { rows, cols: columns } = terminal;
  try {
    await client.machines.exec(
      machine,
      { command: [], stdin: true, terminal: { rows, columns, type: 'xterm-256color' } },
      {
        input,
        signal,
        output: async (_stream, data) => {
          await new Promise<void>((resolve) => terminal.write(data, resolve));
        },
        onStarted: (running) => {
          command = running;
          // It may have changed meanwhile.
          command.resize(terminal.rows, terminal.cols);
          started();
        },
      },
    );
  } finally {
    input.end();
    for (const each of listening) each.dispose();
  }
}
