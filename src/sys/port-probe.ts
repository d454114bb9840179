import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { errnoOf, messageOf } from '../core/errors.ts';

/** A place where something can listen on this host. */
export interface ListeningPlace {
  readonly transport: 'tcp' | 'udp';
  /** IPv4. */
  readonly bind: string;
  readonly hostPort: number;
}

function listenTcp({ bind, hostPort }: ListeningPlace): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: bind, port: hostPort, exclusive: true }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : hostPort;
      server.close(() => resolve(port));
    });
  });
}

function listenUdp({ bind, hostPort }: ListeningPlace): Promise<number> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: bind, port: hostPort, exclusive: true }, () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

/** Listens for a moment. @returns why that is not possible, as the code of the system's error; undefined if it is */
export async function whyNotListening(place: ListeningPlace): Promise<string | undefined> {
  try {
    await (place.transport === 'tcp' ? listenTcp(place) : listenUdp(place));
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? messageOf(error);
  }
}

/** A TCP port of an address on which nothing listens now. */
export async function freePort(bind: string): Promise<number> {
  return await listenTcp({ transport: 'tcp', bind, hostPort: 0 });
}
