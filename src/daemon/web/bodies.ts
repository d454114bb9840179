import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { webCredentials } from '../../api/web.ts';
import { KameError } from '../../core/errors.ts';

/** The most bytes of a request to sign in; a ticket has 43. */
const maxTicketBytes = 1024;
/** The most bytes of a request with a name and a password, whose characters may all be escaped. */
const maxCredentialBytes = 8192;
/** The most bytes of a request for a ticket: a path may have one of the host in it, encoded. */
const maxPathBytes = 16_384;

/** Milliseconds for a body to arrive: whoever sends one here may not have a session yet. */
const bodyMs = 10_000;

const signingIn = z.strictObject({ ticket: z.string().max(100) });
const channel = z.strictObject({ path: z.string().max(maxPathBytes) });

/** The ticket with which a browser wants to sign in. @throws KameError USAGE if the body is malformed or too long */
export async function ticketIn(request: IncomingMessage): Promise<string> {
  return (await bodyOf(request, signingIn, maxTicketBytes)).ticket;
}

/** The name and the password with which a browser wants to sign in. @throws KameError USAGE as `ticketIn` */
export async function credentialsIn(request: IncomingMessage): Promise<z.infer<typeof webCredentials>> {
  return await bodyOf(request, webCredentials, maxCredentialBytes);
}

/** The path for whose WebSocket a ticket is wanted. @throws KameError USAGE if the body is malformed or too long */
export async function channelPathIn(request: IncomingMessage): Promise<string> {
  return (await bodyOf(request, channel, maxPathBytes)).path;
}

async function bodyOf<T>(request: IncomingMessage, schema: z.ZodType<T>, maxBytes: number): Promise<T> {
  // A form of another page cannot send this type.
  if (request.headers['content-type'] !== 'application/json')
    throw new KameError('USAGE', 'The body of the request is not of the type application/json.');
  const bytes = await readBody(request, maxBytes);
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new KameError('USAGE', 'The body of the request is malformed.', { cause: error });
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const late = setTimeout(() => request.destroy(), bodyMs);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new KameError('USAGE', 'The body of the request is too long.');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(late);
  }
}
