import { KameError } from '../../core/errors.ts';
import { failureOf } from '../core/answer.ts';
import type { Answer, Call, Channel, Transport } from '../core/transport.ts';
import type { DaemonProgram } from './ensure-daemon.ts';
import { NotListening, UnixTransport } from './unix-transport.ts';

/** The HTTP status of a daemon that is of another version than the client. */
const upgradeRequired = 426;

/** The daemon that answers is of another version than this client. */
class OtherVersion extends Error {}

function unreachable(error: Error, home: string): KameError {
  return error instanceof OtherVersion
    ? new KameError('DAEMON_UNREACHABLE', error.message, { next: '`kame daemon stop`, then try again.' })
    : new KameError('DAEMON_UNREACHABLE', `No daemon listens in ${home}.`, {
        next: '`kame daemon start` starts it.',
        cause: error,
      });
}

/** The daemon of a home: started when none answers, replaced when it is of another version, if its program is known. */
export class DaemonTransport implements Transport {
  readonly home: string;
  readonly #unix: UnixTransport;
  readonly #program: DaemonProgram | undefined;
  #starting: Promise<void> | undefined;

  constructor(home: string, socket: string, program: DaemonProgram | undefined) {
    this.home = home;
    this.#unix = new UnixTransport(socket);
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

  /** Starts a daemon; calls at once start one. */
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
