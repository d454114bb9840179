import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { DoorRecord } from './web/door-record.ts';
import { WebDoor } from './web/door.ts';

/** The door for browsers, which passes what it lets in to the server of the API: browsers get the same routes as other clients. */
export function webDoorTo(http: FastifyInstance, directory: string, recordPath: string): WebDoor {
  const inside = {
    request: (request: IncomingMessage, response: ServerResponse) => http.routing(request, response),
    upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      void http.server.emit('upgrade', request, socket, head),
    log: (error: unknown, message: string) => http.log.warn({ err: error }, message),
  };
  return new WebDoor(inside, directory, new DoorRecord(recordPath));
}
