import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorToBody } from '../../api/error-body.ts';
import { KameError, errnoOf } from '../../core/errors.ts';

/**
 * Answers a request outside the framework, which has no reply object for it, with the body of an error, and closes the
 * connection.
 */
export function refuseRaw(socket: Duplex, status: number, error: KameError): void {
  // The client may be gone already; without a listener, that would end the daemon.
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(errorToBody(error));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Requests that Node's parser refuses, by the code of its error. */
const refusals: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers of the request are too long.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions of the request are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request was not complete in time.'],
};

/** Answers a request that is not HTTP, or not complete. */
export function refuseMalformed(error: Error, socket: Duplex): void {
  const [status, message] = refusals[errnoOf(error) ?? ''] ?? [
    400,
    `The request is not valid HTTP: ${error.message}`,
  ];
  refuseRaw(socket, status, new KameError('USAGE', message, { cause: error }));
}
