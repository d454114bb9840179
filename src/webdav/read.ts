import type { ServerResponse } from 'node:http';
import type { ConfinedFile } from '../sys/confined-directory.ts';
import { Place } from './place.ts';
import { isFolder, tagOf } from './properties.ts';
import { Refusal } from './refusal.ts';
import { answer, headerOf, type Exchange } from './request.ts';
import { drained, sendText } from './send.ts';
import { visibleNames } from './visible-names.ts';

const chunkBytes = 256 * 1024;

/** A part of a file, `end` excluded. */
interface Part {
  readonly begin: number;
  readonly end: number;
}

/**
 * The part that a Range names; undefined for the whole, as for several parts and for what is no range of bytes, which a server
 * may leave out.
 * @throws Refusal 416
 */
export function partOf(range: string | undefined, size: number): Part | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range?.trim() ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const begin = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (begin < end) return { begin, end };
  if (first !== '' && last !== '' && Number(last) < begin) return undefined;
  throw new Refusal(416, 'The file has no such part.', { headers: { 'Content-Range': `bytes */${size}` } });
}

async function send(file: ConfinedFile, { begin, end }: Part, response: ServerResponse): Promise<void> {
  for (let at = begin; at < end && !response.destroyed;) {
    // A new one each time: what was written is still on its way.
    const bytes = await file.read(Buffer.allocUnsafe(Math.min(chunkBytes, end - at)), at);
    if (bytes.length === 0) {
      // The file has become shorter than was promised.
      response.destroy();
      return;
    }
    at += bytes.length;
    if (!response.write(bytes)) await drained(response);
  }
  response.end();
}

/** The names in a folder, a line each: for people and for programs without WebDAV. */
async function* lines(place: Place): AsyncGenerator<string> {
  for await (const { name, found } of visibleNames(place)) yield `${name}${isFolder({ found }) ? '/' : ''}\n`;
}

/** GET and HEAD. @throws Refusal; errors of Node */
export async function read(exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  await using place = await Place.find(exchange.shares, exchange.names);
  const found = await place.entry();
  if (!found && place.share) throw new Refusal(404, 'There is no such file or folder.');
  if (!found || isFolder({ found })) {
    const type = 'text/plain; charset=utf-8';
    if (request.method === 'HEAD') response.writeHead(200, { 'Content-Type': type }).end();
    else await sendText(response, { status: 200, type }, lines(place));
    return;
  }
  await using file = await place.parent.openToRead(place.name);
  const now = await file.stat();
  const size = Number(now.size);
  const tag = tagOf(now);
  const ifRange = headerOf(exchange, 'if-range');
  const part =
    ifRange === undefined || ifRange === tag ? partOf(headerOf(exchange, 'range'), size) : undefined;
  const { begin, end } = part ?? { begin: 0, end: size };
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Accept-Ranges': 'bytes',
    ETag: tag,
    'Last-Modified': new Date(Number(now.mtimeMs)).toUTCString(),
    'Content-Length': String(end - begin),
    ...(part ? { 'Content-Range': `bytes ${begin}-${end - 1}/${size}` } : {}),
  };
  response.writeHead(part ? 206 : 200, headers);
  if (request.method === 'HEAD') response.end();
  else await send(file, { begin, end }, response);
}

/** OPTIONS. */
export function options(exchange: Exchange, methods: readonly string[]): void {
  const headers = { DAV: '1, 2', 'MS-Author-Via': 'DAV', Allow: methods.join(', ') };
  answer(exchange, 200, '', headers);
}
