import { BackPressure } from './back-pressure.ts';
import type { GuestPort } from './guest-port.ts';
import type { FrameSource, Port } from './port.ts';
import type { ShaperTools } from './shaper.ts';
import type { GuestLink } from './tcp/guest-link.ts';

/** The way out of the switch: frames are put into ports, and those that have come in one chunk are written at once. */
export class Egress {
  readonly #uplink: Port;
  readonly #pressure: BackPressure;
  /** The ports in which frames wait. */
  readonly #dirty: Port[] = [];

  /** @param uplink the port of the NAT process, which waits for nobody: what it sends is for all */
  constructor(uplink: Port, tools: ShaperTools) {
    this.#uplink = uplink;
    this.#pressure = new BackPressure(tools);
  }

  /** Puts a frame into a port. Its memory is needed until `flush`. */
  append(sender: FrameSource, port: Port, buffer: Buffer, start: number, end: number): void {
    if (!port.hasRun) this.#dirty.push(port);
    port.append(buffer, start, end, sender);
  }

  /** To a guest, through its link. */
  send(sender: FrameSource, port: GuestPort, buffer: Buffer, start: number, end: number): void {
    if (!port.receive) {
      this.append(sender, port, buffer, start, end);
      return;
    }
    const frame = Buffer.from(buffer.subarray(start, end));
    const passes = port.receive.pass(frame.length, () => {
      port.append(frame, 0, frame.length, sender);
      port.flush(sender);
    });
    if (!passes) sender.drop('shaped');
  }

  /** Writes what waits in the ports. @returns whether a port still needs the memory that the frames are in */
  flush(sender: Port): boolean {
    let isHeld = false;
    for (const port of this.#dirty) {
      port.flush(sender);
      isHeld ||= port.outlet?.isHolding === true;
      if (sender !== this.#uplink) this.#pressure.sent(sender, port);
    }
    this.#dirty.length = 0;
    return isHeld;
  }

  /** The way to a guest of the connections that end in the switch. */
  linkTo(port: GuestPort): GuestLink {
    return {
      get isBehind() {
        return port.outlet?.isBehind === true;
      },
      whenCaughtUp: (callback) => port.outlet?.whenCaughtUp(callback),
      // Not with what the guest sends to others, which may have to wait for this port.
      send: (buffer, start, end) => {
        if (port.receive) this.send(port.tcp, port, buffer, start, end);
        else port.append(buffer, start, end, port.tcp);
      },
      flush: () => {
        port.flush(port.tcp);
        return port.outlet?.isHolding === true;
      },
    };
  }
}
