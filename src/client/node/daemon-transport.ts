import { KameError } from '../../core/errors.ts';
import { failureOf } from '../core/answer.ts';
import type { Answer, Call, Channel, Transport } from '../core/transport.ts';
import type { DaemonProgram } from './ensure-daemon.ts';
import { NotListening, UnixTransport } from './unix-transport.ts';

/** The HTTP status if the daemon and the client have different versions. */
const upgradeRequired = 426;

/** The daemon and this client have different versions. */
class OtherVersion extends Error {}

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
    try {
      return await this.#once(call);
    } catch (error) {
      if (!(error instanceof NotListening) && !(error instanceof OtherVersion)) throw error;
      if (this.#program === undefined || call.passive) throw unreachable(error, this.home);
      await this.#start(this.#program, error instanceof OtherVersion);
    }
    try {
      return await this.#once(call);
    } catch (error) {
      throw error instanceof NotListening || error instanceof OtherVersion
        ? unreachable(error, this.home)
        : error;
    }
  }

  async open(path: string, signal: AbortSignal): Promise<Channel> {
    return await this.#unix.open(path, signal);
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

  async #once(call: Call): Promise<Answer> {
    const answer = await this.#unix.send(call);
    if (answer.status === upgradeRequired) throw new OtherVersion((await failureOf(answer)).message);
    return answer;
  }
}
