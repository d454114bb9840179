import type { IncomingMessage } from 'node:http';
import { networkInterfaces } from 'node:os';
import type { ListenRemotely } from '../../api/web.ts';

/** The addresses of this computer that others may reach. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .map(({ address }) => address);
}

/** By what other computers reach a door, names first. */
export function namesOf({ address, names }: Pick<ListenRemotely, 'address' | 'names'>): string[] {
  const isForAll = address === '0.0.0.0' || address === '::';
  return [...names, ...(isForAll ? ownAddresses() : [address])];
}

/** The address of the computer that has sent a request, as people write it. */
export function senderOf({ socket }: Pick<IncomingMessage, 'socket'>): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}
