import type { Lock } from './locks.ts';
import { secondsOf } from './locks.ts';
import { Place } from './place.ts';
import { lockXml } from './properties.ts';
import { missingParent } from './put.ts';
import { Refusal } from './refusal.ts';
import { answer, answerXml, depthOf, headerOf, readXml, type Exchange } from './request.ts';
import { davChild, escapeXml, type XmlElement } from './xml.ts';

const maxOwner = 1024;

function ownerXml(info: XmlElement): string {
  const owner = davChild(info, 'owner');
  if (!owner) return '';
  const address = davChild(owner, 'href');
  const text = escapeXml((address ?? owner).text.trim().slice(0, maxOwner));
  return address ? `<D:href>${text}</D:href>` : text;
}

function answerLock(exchange: Exchange, status: number, lock: Lock, more = {}): void {
  const xml = `<?xml version="1.0" encoding="utf-8"?>\n<D:prop xmlns:D="DAV:"><D:lockdiscovery>${lockXml(lock)}</D:lockdiscovery></D:prop>\n`;
  answerXml(exchange, status, xml, more);
}

/** LOCK: of what is there, of a file that it makes, or again of what is locked. @throws Refusal; errors of Node */
export async function lock(exchange: Exchange): Promise<void> {
  const { shares, names, locks, tokens } = exchange;
  const depth = depthOf(exchange, ['infinity', '0']);
  const seconds = secondsOf(headerOf(exchange, 'timeout'));
  const info = await readXml(exchange);
  if (!info) {
    answerLock(exchange, 200, locks.refresh(names, tokens, seconds));
    return;
  }
  const scope = davChild(info, 'lockscope');
  const exclusive = scope !== undefined && davChild(scope, 'exclusive') !== undefined;
  const isKnown = scope !== undefined && (exclusive || davChild(scope, 'shared') !== undefined);
  const type = davChild(info, 'locktype');
  if (info.space !== 'DAV:' || info.name !== 'lockinfo' || !isKnown || !type || !davChild(type, 'write'))
    throw new Refusal(400, 'The body of a LOCK asks for an exclusive or shared lock for writing.');
  await using place = await Place.find(shares, names).catch((error: unknown) => {
    throw missingParent(error, names);
  });
  place.requireWritable();
  const found = await place.entry();
  const added = locks.add({ names, exclusive, deep: depth !== '0', owner: ownerXml(info), seconds });
  try {
    if (!found) await (await place.parent.create(place.name))[Symbol.asyncDispose]();
  } catch (error) {
    locks.remove(names, added.token);
    throw error;
  }
  answerLock(exchange, found ? 200 : 201, added, { 'Lock-Token': `<${added.token}>` });
}

/** UNLOCK. @throws Refusal */
export function unlock(exchange: Exchange): void {
  const [, token] = /^\s*<([^<>]+)>\s*$/.exec(headerOf(exchange, 'lock-token') ?? '') ?? [];
  if (token === undefined) throw new Refusal(400, 'The request has no Lock-Token.');
  exchange.locks.remove(exchange.names, token);
  answer(exchange, 204);
}
