import { KameError } from '../../core/errors.ts';
import type { Answer, Call, Channel, Transport } from '../core/transport.ts';
import type { DaemonProgram } from './ensure-daemon.ts';
import { NotListening, OtherVersion, UnixTransport } from './unix-transport.ts';

/** A daemon must be started, or another one, before a request can be answered. */
function needsDaemon(error: unknown): error is NotListening | OtherVersion {
  return error instanceof NotListening || error instanceof OtherVersion;
}

function unreachable(error: Error, home: string): KameError {
  return error instanceof OtherVersion
    ? new KameError('DAEMON_UNREACHABLE', error.message, { next: 'Run `kame daemon stop`, then try again.' })
    : new KameError('DAEMON_UNREACHABLE', `The daemon of ${home} is not running.`, {
        next: 'Run `kame daemon start` to start it.',
        cause: error,
      });
}

/** The transport to the daemon of a home directory. Given its program, it starts a daemon that does not answer and replaces one of another version. */
export class DaemonTransport implements Transport {
  readonly home: string;
  readonly #unix: UnixTransport;
  readonly #program: DaemonProgram | undefined;
  #starting: Promise<void> | undefined;

  /** @param headers sent with every request, besides its own */
  constructor(
    home: string,
    socket: string,
    program: DaemonProgram | undefined,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.home = home;
    this.#unix = new UnixTransport(socket, headers);
    this.#program = program;
  }

  async send(call: Call): Promise<Answer> {
    return await this.#served(async () => await this.#unix.send(call), call.passive);
  }

  async open(path: string, signal: AbortSignal): Promise<Channel> {
    return await this.#served(async () => await this.#unix.open(path, signal));
  }

  /** Does what needs the daemon; if there is none or another one, once more after the start of the right one. */
  async #served<T>(work: () => Promise<T>, passive = false): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!needsDaemon(error)) throw error;
      if (this.#program === undefined || passive) throw unreachable(error, this.home);
      await this.#start(this.#program, error instanceof OtherVersion);
    }
    try {
      return await work();
    } catch (error) {
      throw needsDaemon(error) ? unreachable(error, this.home) : error;
    }
  }

  /** Starts the daemon. Concurrent calls start only one. */
  async #start(program: DaemonProgram, replace: boolean): Promise<void> {
    this.#starting ??= this.#replaceOrStart(program, replace);
    await this.#starting.finally(() => (this.#starting = undefined));
  }

  async #replaceOrStart(program: DaemonProgram, replace: boolean): Promise<void> {
    if (replace) {
      const { stopDaemon } = await import('./stop-daemon.ts');
      await stopDaemon(this.#unix.socket);
    }
    const { startDaemon } = await import('./ensure-daemon.ts');
    await startDaemon(this.home, this.#unix.socket, program);
  }
}
