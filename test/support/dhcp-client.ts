import { dhcp, type DhcpFields } from './frames.ts';
import type { SwitchWorld } from './switch-world.ts';

/** What a DHCP server answered, taken apart here and not by the sources. */
export interface DhcpAnswer {
  readonly type: number;
  readonly address: string;
  /** Of the frame that it came in. */
  readonly toMac: string;
  readonly toAddress: string;
  readonly nextServer: string;
  readonly file: string;
  readonly options: ReadonlyMap<number, Buffer>;
}

const dotted = (bytes: Buffer, at: number): string => [...bytes.subarray(at, at + 4)].join('.');

export function readDhcpAnswer(frame: Buffer): DhcpAnswer {
  const message = frame.subarray(42);
  const options = new Map<number, Buffer>();
  for (let at = 240; message[at] !== 255 && at < message.length; at += 2 + (message[at + 1] ?? 0)) {
    options.set(message[at] ?? 0, message.subarray(at + 2, at + 2 + (message[at + 1] ?? 0)));
  }
  return {
    type: options.get(53)?.[0] ?? 0,
    address: dotted(message, 16),
    toMac: (frame.toString('hex', 0, 6).match(/../g) ?? []).join(':'),
    toAddress: dotted(frame, 30),
    nextServer: dotted(message, 20),
    file: message.toString('latin1', 108, 236).replaceAll('\0', ''),
    options,
  };
}

/** Sends a request from a port. @returns the answer, which goes to that port; undefined without */
export function askDhcp(
  world: SwitchWorld,
  port: string,
  fields: DhcpFields,
  from?: string,
): DhcpAnswer | undefined {
  world.take(port);
  world.send(port, dhcp(fields, from));
  const [answer] = world.take(port);
  return answer && readDhcpAnswer(answer);
}

/** Gets an address as a client that starts. */
export function lease(world: SwitchWorld, port: string, client: string): string | undefined {
  const offer = askDhcp(world, port, { type: 1, client });
  if (offer?.type !== 2) return undefined;
  const server = '192.168.77.254';
  const answer = askDhcp(world, port, { type: 3, client, requested: offer.address, server });
  return answer?.type === 5 ? answer.address : undefined;
}
