import type { OnReadOpts, Socket } from 'node:net';
import { hasRole, type Rights } from '../../api/role.ts';
import { connectScreen } from '../../vm/guest/screen.ts';
import { ViewOnly } from '../../vm/guest/view-only.ts';
import type { Channel, Handler } from './handler.ts';

/** The bytes of a buffer: what a socket of the engine has at a time. */
const bufferBytes = 256 * 1024;
/** How many of them may be on their way to a client. With what the socket holds, that is all that a stalled one costs. */
const maxBuffers = 6;

/**
 * The way from the engine to a client, in a few buffers that are used again and again: allocating one for each piece would keep the
 * garbage collector busier than the sockets.
 */
class ToClient implements OnReadOpts {
  readonly #channel: Channel;
  readonly #free: Buffer[] = [];
  #made = 0;
  #isFull = false;
  /** Reads on. */
  resume: () => void = () => undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** A buffer to read into. */
  readonly buffer = (): Buffer => {
    const free = this.#free.pop();
    if (free) return free;
    this.#made += 1;
    return Buffer.allocUnsafeSlow(bufferBytes);
  };

  /** Sends what was read. @returns whether there is a buffer to read on */
  readonly callback = (bytes: number, buffer: Uint8Array): boolean => {
    this.#channel.sendBuffer(buffer.subarray(0, bytes), () => this.#release(buffer));
    this.#isFull = this.#free.length === 0 && this.#made >= maxBuffers;
    return !this.#isFull;
  };

  #release(buffer: Uint8Array): void {
    this.#free.push(buffer as Buffer);
    if (!this.#isFull) return;
    this.#isFull = false;
    this.resume();
  }
}

/**
 * Passes on what the client sends, each message when the engine has taken the one before.
 * @param filter what is passed on of it. @throws KameError USAGE if the filter does not know what it is
 */
async function fromClient(
  channel: Channel,
  display: Socket,
  filter: (data: Buffer) => Buffer,
): Promise<void> {
  for (let message = await channel.next(); message; message = await channel.next()) {
    const data = filter(message.data);
    await new Promise<void>((resolve) => void display.write(data, () => resolve()));
  }
}

const everything = (data: Buffer): Buffer => data;

/** What somebody may do to the screen: a viewer looks at it, and all others also type. @param machine its id, where that matters */
function filterFor(rights: Rights, machine: string): (data: Buffer) => Buffer {
  if (hasRole(rights, 'operator', machine)) return everything;
  const viewOnly = new ViewOnly();
  return (data) => viewOnly.take(data);
}

/**
 * Connects a client to the screen of a machine, until either ends. Nothing is read from a side as long as the other one has a lot
 * left to take.
 */
export const serveScreen: Handler<'machines.screen'> = async (
  { host, principal },
  { params, signal },
  channel,
) => {
  const onread = new ToClient(channel);
  const display = await connectScreen(host, params.machine, { signal, onread });
  const over = new Promise<void>((resolve) => display.once('close', resolve));
  display.on('error', () => display.destroy());
  onread.resume = () => void display.resume();
  display.resume();
  channel.onClosed(() => display.destroy());
  const typing = fromClient(channel, display, filterFor(principal, params.machine)).catch(
    (error: unknown) => {
      display.destroy();
      throw error;
    },
  );
  // Whichever ends first: a client that is refused ends the display as well.
  await Promise.race([over, typing]);
  await over;
  channel.close('The machine has stopped.');
  await typing;
};
