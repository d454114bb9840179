import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { KameError } from '../../core/errors.ts';

/** The most bytes of a request to sign in; a ticket has 43. */
const maxBytes = 1024;

const body = z.strictObject({ ticket: z.string().max(100) });

/** The ticket in the JSON body of a request. @throws KameError USAGE if the body is malformed or too long */
export async function ticketIn(request: IncomingMessage): Promise<string> {
  // A form of another page cannot send this type.
  if (request.headers['content-type'] !== 'application/json')
    throw new KameError('USAGE', 'The body of the request is not of the type application/json.');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new KameError('USAGE', 'The body of the request is too long.');
    chunks.push(chunk);
  }
  try {
    return body.parse(JSON.parse(Buffer.concat(chunks).toString('utf8'))).ticket;
  } catch (error) {
    throw new KameError('USAGE', 'The body of the request is not a ticket.', { cause: error });
  }
}
