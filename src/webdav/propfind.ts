import type { BigIntStats } from 'node:fs';
import { Place } from './place.ts';
import {
  isFolder,
  multistatusBegin,
  multistatusEnd,
  responseXml,
  type Described,
  type Wanted,
} from './properties.ts';
import { Refusal } from './refusal.ts';
import { depthOf, readXml, type Exchange } from './request.ts';
import { sendText } from './send.ts';
import { visibleNames } from './visible-names.ts';
import { davChild, type XmlElement } from './xml.ts';

const maxProperties = 100;

/** @throws Refusal 400 */
function wantedOf(body: XmlElement | undefined): Wanted {
  if (!body) return { kind: 'all' };
  if (body.space !== 'DAV:' || body.name !== 'propfind')
    throw new Refusal(400, 'The body of a PROPFIND is a propfind.');
  if (davChild(body, 'propname')) return { kind: 'names' };
  const prop = davChild(body, 'prop');
  if (!prop) {
    if (davChild(body, 'allprop')) return { kind: 'all' };
    throw new Refusal(400, 'The propfind asks for nothing.');
  }
  if (prop.children.length > maxProperties) throw new Refusal(400, 'The propfind asks for too much.');
  return { kind: 'some', names: prop.children };
}

/** PROPFIND of something, or of something and what is directly in it. @throws Refusal; errors of Node */
export async function propfind(exchange: Exchange): Promise<void> {
  const { response, locks, shares, names } = exchange;
  const depth = depthOf(exchange, ['infinity', '0', '1']);
  if (depth === 'infinity')
    throw new Refusal(403, 'Only depth 0 or 1.', { condition: 'propfind-finite-depth' });
  const wanted = wantedOf(await readXml(exchange));
  await using place = await Place.find(shares, names);
  const found = await place.entry();
  if (!found && place.share) throw new Refusal(404, 'There is no such file or folder.');
  let known: Awaited<ReturnType<Described['space']>>;
  const space = async () => {
    if (!place.share) return undefined;
    if (known) return known;
    await using directory = place.leaf === undefined ? await place.open() : undefined;
    return (known = await (directory ?? place.parent).space());
  };
  const isWritable = ([first]: readonly string[]) =>
    shares.list.some(({ name, writable }) => name === first && writable);
  const describe = async (of: readonly string[], entry: BigIntStats | undefined) =>
    await responseXml(
      { names: of, found: entry, locks: locks.on(of), writable: isWritable(of), space },
      wanted,
    );
  const parts = async function* () {
    yield multistatusBegin + (await describe(names, found));
    if (depth === '1' && isFolder({ found }))
      for await (const child of visibleNames(place))
        yield await describe([...names, child.name], child.found);
    yield multistatusEnd;
  };
  await sendText(response, { status: 207, type: 'application/xml; charset="utf-8"' }, parts());
}
