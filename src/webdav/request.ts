import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkMatch, holds, parseIf, type AddressState } from './conditions.ts';
import type { Locks } from './locks.ts';
import { namesIn } from './names.ts';
import { Place } from './place.ts';
import { isFolder, tagOf } from './properties.ts';
import { Refusal, refusalOf } from './refusal.ts';
import type { Shares } from './share.ts';
import { parseXml, type XmlElement } from './xml.ts';

const maxXmlBytes = 64 * 1024;

/** A request of a guest, what is served to it, and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly shares: Shares;
  readonly locks: Locks;
  /** The names in the address of the request. */
  readonly names: readonly string[];
  /** The lock tokens that the guest has named. */
  readonly tokens: ReadonlySet<string>;
}

/** A header that may be given once. */
export function headerOf({ request }: Pick<Exchange, 'request'>, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Answers without a body, or with a short text. */
export function answer(
  { response }: Pick<Exchange, 'response'>,
  status: number,
  text = '',
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(text);
  const type = body.length === 0 ? {} : { 'Content-Type': 'text/plain; charset=utf-8' };
  response.writeHead(status, { ...type, ...headers, 'Content-Length': String(body.length) });
  response.end(body);
}

export function answerXml({ response }: Pick<Exchange, 'response'>, status: number, xml: string, more = {}) {
  const body = Buffer.from(xml);
  const type = { 'Content-Type': 'application/xml; charset="utf-8"' };
  response.writeHead(status, { ...type, ...more, 'Content-Length': String(body.length) });
  response.end(body);
}

/** The parts of the body. Whoever stops reading can still answer; the server reads the rest and forgets it. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/** The XML in the body. @returns undefined if there is no body @throws Refusal 413, 400 */
export async function readXml({ request }: Exchange): Promise<XmlElement | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of bodyOf(request)) {
    size += part.length;
    if (size > maxXmlBytes) throw new Refusal(413, 'The body of the request is too long.');
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString('utf8');
  return text.trim() === '' ? undefined : parseXml(text);
}

/** @throws Refusal 415 when there is a body */
export function refuseBody({ request }: Exchange): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (Number(length) !== 0 || encoding !== undefined)
    throw new Refusal(415, 'This request has no body that is understood.');
}

/** @param allowed the depths that the method has; the first is the default @throws Refusal 400 */
export function depthOf(exchange: Exchange, allowed: readonly string[]): string {
  const depth = headerOf(exchange, 'depth')?.toLowerCase() ?? allowed[0] ?? '';
  if (!allowed.includes(depth)) throw new Refusal(400, `The depth must be ${allowed.join(' or ')}.`);
  return depth;
}

async function stateOf(exchange: Exchange, address: string | undefined): Promise<AddressState> {
  const names = address === undefined ? exchange.names : namesIn(address);
  const tokens = new Set(exchange.locks.on(names).map(({ token }) => token));
  try {
    await using place = await Place.find(exchange.shares, names);
    const found = await place.entry();
    return { tokens, tag: found && !isFolder({ found }) ? tagOf(found) : undefined };
  } catch (error) {
    if (refusalOf(error).status !== 404) throw error;
    return { tokens, tag: undefined };
  }
}

/** Reads the address and the lock tokens of a request. @throws Refusal 400, 414 */
export function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  served: Pick<Exchange, 'shares' | 'locks'>,
): Exchange {
  const header = headerOf({ request }, 'if');
  const names = namesIn(request.url ?? '/');
  return { request, response, ...served, names, tokens: parseIf(header).tokens };
}

/** Checks all conditions of a request. @throws Refusal 412, 304 */
export async function checkConditions(exchange: Exchange): Promise<void> {
  const { request, names } = exchange;
  const header = headerOf(exchange, 'if');
  if (header !== undefined) {
    const met = await holds(parseIf(header), async (address) => await stateOf(exchange, address));
    if (!met) throw new Refusal(412, 'The condition of the request is not met.');
  }
  const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
  if (match === undefined && noneMatch === undefined) return;
  await using place = await Place.find(exchange.shares, names);
  const found = await place.entry();
  const tag = found && (isFolder({ found }) ? '"folder"' : tagOf(found));
  const reads = request.method === 'GET' || request.method === 'HEAD';
  checkMatch({ 'if-match': match, 'if-none-match': noneMatch }, tag, reads);
}

/** The address in the header Destination. @throws Refusal 400 */
export function destinationOf(exchange: Exchange): string[] {
  const header = headerOf(exchange, 'destination');
  if (header === undefined) throw new Refusal(400, 'The request has no Destination.');
  return namesIn(header);
}
