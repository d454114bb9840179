import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

type Listener = (pid: number) => void;

/** The named pipe by which engines report their start: one for all tests of a process, since making one takes a program. */
class StartedPipe {
  readonly path: string;
  /** Another one, for those who wait without end. */
  readonly hold: string;
  readonly #listeners = new Map<string, Listener>();

  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'kf-'));
    this.path = join(directory, 'started');
    this.hold = join(directory, 'hold');
    execFileSync('mkfifo', [this.path, this.hold]);
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    // By a signal alone a process has no such event.
    process.once('SIGTERM', () => process.exit());
    // Open for writing too, so that it has no end when a writer closes it.
    const pipe = openSync(this.path, constants.O_RDWR | constants.O_NONBLOCK);
    const socket = new Socket({ fd: pipe, readable: true, writable: false });
    let rest = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#listeners.get(dirname(line))?.(Number(basename(line)));
    });
    socket.unref();
  }

  /** Calls the listener for each engine of that directory until the result is disposed. */
  listen(directory: string, listener: Listener): Disposable {
    this.#listeners.set(directory, listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(directory) };
  }
}

let pipe: StartedPipe | undefined;

export function startedPipe(): StartedPipe {
  pipe ??= new StartedPipe();
  return pipe;
}
