import { routes } from '../../api/generated/routes.ts';
import type { ExecControl, ExecMessage, ExecRequest } from '../../api/generated/shapes.ts';
import { execInputWindow, maxMessageBytes } from '../../api/limits.ts';
import { KameError } from '../../core/errors.ts';
import { bytesOfBase64 } from './base64.ts';
import type { Connection } from './connection.ts';
import { partsOf } from './input-parts.ts';
import type { CallOptions } from './options.ts';
import { told } from './told.ts';
import type { Channel } from './transport.ts';

/** How a command in the guest ended. One of the two is a number. */
export interface ExecEnd {
  readonly exitCode: number | null;
  readonly signal: number | null;
}

/** A command that runs in the guest. */
export interface RunningCommand {
  /** The guest agent can be sent neither signals nor sizes: they are ignored. */
  readonly through: 'tools' | 'agent';
  /** Sends a signal to the command and its children. */
  signal(number: number): void;
  /** Tells the size of the terminal, in characters. */
  resize(rows: number, columns: number): void;
}

export interface ExecStreams extends CallOptions {
  /** Standard input, sent only if the request has `stdin`. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Called for each chunk in order, and only after the previous promise has settled: a slow reader slows the sender down. */
  readonly output: (stream: 'stdout' | 'stderr', data: Uint8Array) => Promise<void>;
  /** Called when it is known what runs the command. */
  readonly onStarted?: (command: RunningCommand) => void;
  /** Told when the guest agent does not answer for 2 s. */
  readonly waiting?: (stage: string) => void;
}

/** A machine's serial console. */
export interface ConsoleConnection {
  /** Output of the guest. It ends when the machine's console closes, or after `close`. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Sends input. Resolves when it has been sent, so that a slow guest slows the sender down. */
  write(data: Uint8Array): Promise<void>;
  close(): void;
}

/** Standard input on its way. It stays within what the daemon has room for, so that controls can overtake it. */
class InputWindow {
  #bytes = 0;
  #wake: () => void = () => undefined;

  async add(bytes: number): Promise<void> {
    while (this.#bytes + bytes > execInputWindow)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#bytes += bytes;
  }

  taken(bytes: number): void {
    this.#bytes -= bytes;
    this.#wake();
  }
}

/** The message of a request. @throws KameError INVALID_VALUE when the daemon would not take it */
function requestText(request: ExecRequest): string {
  const text = JSON.stringify(request);
  const { length } = new TextEncoder().encode(text);
  if (length <= maxMessageBytes) return text;
  throw new KameError(
    'INVALID_VALUE',
    `The command has ${length} bytes as a message to the daemon; the limit is ${maxMessageBytes} bytes.`,
    { next: 'Copy a long script into the guest with kame copy, and run it there.' },
  );
}

/** Sends the request, then standard input, if any, and an empty message at its end. */
async function sendRequest(
  channel: Channel,
  request: string,
  parts: AsyncIterable<Uint8Array> | undefined,
  onTheWay: InputWindow,
): Promise<void> {
  await channel.send(request);
  if (!parts) return;
  for await (const part of parts) {
    await onTheWay.add(part.length);
    await channel.send(part);
  }
  await channel.send(new Uint8Array(0));
}

function runningCommand(channel: Channel, through: RunningCommand['through']): RunningCommand {
  // A connection that is lost ends the messages, which tells enough.
  const send = (control: ExecControl) => void channel.send(JSON.stringify(control)).catch(() => undefined);
  return {
    through,
    signal: (signal) => send({ type: 'signal', signal }),
    resize: (rows, columns) => send({ type: 'resize', rows, columns }),
  };
}

function unconnected({ signal }: CallOptions): KameError {
  if (signal?.aborted) return new KameError('CANCELLED', 'The connection to the console was cancelled.');
  return new KameError('DAEMON_UNREACHABLE', 'The daemon ended before it had connected to the console.');
}

async function* consoleOutput(channel: Channel): AsyncGenerator<Uint8Array, void> {
  for await (const message of channel.messages) {
    if (typeof message !== 'string') yield message;
    else told(message);
  }
}

/**
 * Connects to a machine's serial console; the daemon's first message says that it is connected. The signal closes the connection.
 * @throws KameError what the daemon reports, DAEMON_UNREACHABLE when it ends, CANCELLED
 */
export async function openConsole(
  connection: Connection,
  machine: string,
  options: CallOptions = {},
): Promise<ConsoleConnection> {
  const channel = await connection.open(routes['machines.console'], { params: { machine } }, options);
  const output = consoleOutput(channel);
  try {
    if ((await output.next()).done === true) throw unconnected(options);
  } catch (error) {
    channel.close();
    throw error;
  }
  return {
    output,
    write: (data) => channel.send(data),
    close: () => channel.close(),
  };
}

/**
 * Runs a command in a guest. The signal closes the connection.
 * @throws KameError what the guest or the daemon reports; INVALID_VALUE when the command is too long; CANCELLED; what the input
 * throws
 */
export async function execute(
  connection: Connection,
  machine: string,
  request: ExecRequest,
  streams: ExecStreams,
): Promise<ExecEnd> {
  const text = requestText(request);
  const channel = await connection.open(routes['machines.exec'], { params: { machine } }, streams);
  let failure: { readonly error: unknown } | undefined;
  try {
    const onTheWay = new InputWindow();
    // The command would wait for the rest of its input.
    const parts =
      streams.input &&
      partsOf(streams.input, (error) => {
        failure = { error };
        channel.close();
      });
    // Errors while sending also end the messages. A command may end before it has read all of its input.
    void sendRequest(channel, text, parts, onTheWay).catch(() => undefined);
    for await (const received of channel.messages) {
      const message = told<ExecMessage>(received);
      if (message.type === 'exit') return { exitCode: message.exitCode, signal: message.signal };
      if (message.type === 'waiting') streams.waiting?.(message.stage);
      else if (message.type === 'taken') onTheWay.taken(message.bytes);
      else if (message.type === 'started') streams.onStarted?.(runningCommand(channel, message.through));
      else await streams.output(message.type, bytesOfBase64(message.data));
    }
  } finally {
    channel.close();
  }
  if (failure) throw failure.error;
  if (streams.signal?.aborted) throw new KameError('CANCELLED', 'The command in the guest was cancelled.');
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended while the command was running in the guest.', {
    next: 'The command may still be running in the guest.',
  });
}
