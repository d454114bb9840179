import { execInputWindow } from '../../api/limits.ts';
import { execControl, type ExecControl, type ExecMessage } from '../../api/messages.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import type { CommandControls } from '../../vm/guest/exec-streams.ts';
import { execute } from '../../vm/guest/exec.ts';
import type { Channel, Handler } from './handler.ts';

/** The most controls that wait for the start of a command. */
const maxWaiting = 64;

/** @throws KameError USAGE when it is malformed */
function parseControl(data: Buffer): ExecControl {
  try {
    return execControl.parse(parseJson(data.toString('utf8')));
  } catch (error) {
    throw new KameError('USAGE', `A control of exec is malformed: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * What the client of one command sends. Controls overtake standard input that the guest has not taken: the client keeps what
 * is under way within a limit, so that its messages can always be read.
 */
class ClientInput {
  readonly #channel: Channel;
  readonly #taken: (bytes: number) => Promise<void>;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #changed: () => void = () => undefined;
  #hasRoom: () => void = () => undefined;
  #controls: CommandControls | undefined;
  #waiting: ExecControl[] = [];

  constructor(channel: Channel, taken: (bytes: number) => Promise<void>) {
    this.#channel = channel;
    this.#taken = taken;
  }

  /** Reads until the client disconnects. @throws KameError USAGE for a malformed control */
  async read(): Promise<void> {
    for (let message = await this.#channel.next(); message; message = await this.#channel.next()) {
      if (message.isText) this.#control(parseControl(message.data));
      else this.#add(message.data);
      while (this.#bytes > execInputWindow) await new Promise<void>((resolve) => (this.#hasRoom = resolve));
    }
    this.#add(Buffer.alloc(0));
  }

  /** Standard input, until an empty message. */
  async *stdin(): AsyncGenerator<Buffer, void> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        yield chunk;
        this.#bytes -= chunk.length;
        this.#hasRoom();
        await this.#taken(chunk.length);
      } else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }

  /** The command runs: what has waited for it, and what follows, goes to these. */
  started(controls: CommandControls): void {
    this.#controls = controls;
    for (const control of this.#waiting.splice(0)) this.#control(control);
  }

  #add(chunk: Buffer): void {
    if (chunk.length === 0) this.#ended = true;
    else if (!this.#ended) {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
    }
    this.#changed();
  }

  #control(control: ExecControl): void {
    const { type } = control;
    if (!this.#controls) {
      if (this.#waiting.length < maxWaiting) this.#waiting.push(control);
    } else if (type === 'signal') this.#controls.signal(control.signal);
    else this.#controls.resize(control);
  }
}

export const serveExec: Handler<'machines.exec'> = async ({ host }, { params, body, signal }, channel) => {
  const send = async (message: ExecMessage) => await channel.send(JSON.stringify(message));
  const input = new ClientInput(channel, async (bytes) => await send({ type: 'taken', bytes }));
  const broken = new AbortController();
  let problem: unknown;
  void input.read().catch((error: unknown) => {
    problem = error;
    broken.abort();
  });
  try {
    const result = await execute(host, params.machine, body, {
      ...(body.stdin ? { stdin: input.stdin() } : {}),
      signal: AbortSignal.any([signal, broken.signal]),
      report: ({ stage }) => void send({ type: 'waiting', stage }),
      onStarted: (through, controls) => {
        if (controls) input.started(controls);
        void send({ type: 'started', through });
      },
      onOutput: async (stream, chunk) => await send({ type: stream, data: chunk.toString('base64') }),
    });
    await send({ type: 'exit', exitCode: result.exitCode, signal: result.signal });
    channel.close();
  } catch (error) {
    throw problem ?? error;
  }
};
