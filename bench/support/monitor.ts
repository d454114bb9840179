import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { poll } from '../../src/core/deadline.ts';

interface MonitorEvent {
  readonly name: string;
  /** When QEMU sent it, by its own clock: milliseconds since 1970, with fractions. */
  readonly atMs: number;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Message {
  readonly event?: string;
  readonly timestamp?: { readonly seconds: number; readonly microseconds: number };
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

const eventDeadlineMs = 10_000;
const jobDeadlineMs = 120_000;

/** A QMP client that uses no code of Kame, so that its measurements are independent. */
export class Monitor implements Disposable {
  readonly #socket: Socket;
  readonly #events: MonitorEvent[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => this.#take(JSON.parse(line) as Message));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('QEMU has closed its monitor.'));
      this.#waiting.clear();
    });
  }

  /** Connects to a QMP socket, such as `sockets.monitor` of `kame show --json`. */
  static async open(path: string): Promise<Monitor> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    const monitor = new Monitor(socket);
    await monitor.execute('qmp_capabilities');
    return monitor;
  }

  /** Runs a command. @throws Error with the reason from QEMU */
  async execute(command: string, args: object = {}): Promise<unknown> {
    const id = (this.#lastId += 1);
    const reply = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    return await reply;
  }

  /** Runs a job, such as `snapshot-save`, to completion. @throws Error with the reason from QEMU */
  async job(command: string, args: object): Promise<void> {
    const id = `bench-${(this.#lastId += 1)}`;
    await this.execute(command, { 'job-id': id, ...args });
    const end = await poll(
      async () => {
        const jobs = (await this.execute('query-jobs')) as { id: string; status: string; error?: string }[];
        return jobs.find((job) => job.id === id && job.status === 'concluded');
      },
      { deadlineMs: jobDeadlineMs, maxStepMs: 10 },
    );
    if (!end) throw new Error(`${command} did not finish within ${jobDeadlineMs / 1000} s.`);
    await this.execute('job-dismiss', { id });
    if (end.error !== undefined) throw new Error(`${command}: ${end.error}`);
  }

  /**
   * How long the guest was paused while `work` ran, in milliseconds: from the first STOP event of QEMU until the last
   * RESUME, according to their timestamps.
   */
  async standstill(work: () => Promise<unknown>): Promise<number> {
    const from = this.#events.length;
    await work();
    const find = async () => {
      const events = this.#events.slice(from);
      const stop = events.find(({ name }) => name === 'STOP');
      const resume = events.findLast(({ name }) => name === 'RESUME');
      return stop && resume ? resume.atMs - stop.atMs : undefined;
    };
    const ms = await poll(find, { deadlineMs: eventDeadlineMs });
    if (ms === undefined) throw new Error('QEMU did not send STOP and RESUME events.');
    return ms;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #take({ event, timestamp, id, error, return: result }: Message): void {
    if (event !== undefined && timestamp) {
      this.#events.push({ name: event, atMs: timestamp.seconds * 1000 + timestamp.microseconds / 1000 });
      return;
    }
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || !waiting) return;
    this.#waiting.delete(id);
    if (error) waiting.reject(new Error(error.desc));
    else waiting.resolve(result);
  }
}
