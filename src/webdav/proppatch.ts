import { Place } from './place.ts';
import {
  apache,
  isFolder,
  multistatusBegin,
  multistatusEnd,
  propertyXml,
  statusXml,
  type PropertyName,
} from './properties.ts';
import { addressOf } from './names.ts';
import { Refusal } from './refusal.ts';
import { answerXml, readXml, type Exchange } from './request.ts';
import { davChild, escapeXml, type XmlElement } from './xml.ts';

/** What Windows sets on each file that it writes. It reports an error if that fails. */
const windows = 'urn:schemas-microsoft-com:';
const programBits = 0o111;
const maxChanges = 100;

/** Changes what is there, or does nothing for what means nothing here. */
type Apply = (place: Place) => Promise<void>;

const ignored: Apply = async () => await Promise.resolve();

function setProgram(isProgram: boolean): Apply {
  return async (place) => {
    await using file = await place.parent.openToChange(place.name);
    const mode = Number((await file.stat()).mode);
    // Those who may read a program may run it.
    await file.chmod(isProgram ? mode | ((mode & 0o444) >> 2) : mode & ~programBits);
  };
}

function setTime(milliseconds: number): Apply {
  return async (place) => {
    await using file = await place.parent.openToChange(place.name);
    await file.setTime(milliseconds / 1000);
  };
}

/** How a property is set; undefined if it cannot be. */
function applyOf({ space, name, text }: XmlElement): Apply | undefined {
  const value = text.trim();
  if (space === apache && name === 'executable' && /^[TF]$/i.test(value))
    return setProgram(value.toUpperCase() === 'T');
  if (space !== windows) return undefined;
  const time = Date.parse(value);
  return name === 'Win32LastModifiedTime' && Number.isFinite(time) ? setTime(time) : ignored;
}

/** @throws Refusal 400 */
function changesOf(
  body: XmlElement | undefined,
): { readonly property: PropertyName; apply: Apply | undefined }[] {
  if (body?.space !== 'DAV:' || body.name !== 'propertyupdate')
    throw new Refusal(400, 'The body of a PROPPATCH is a propertyupdate.');
  const changes = body.children.flatMap((part) => {
    const isSet = part.space === 'DAV:' && part.name === 'set';
    const properties = davChild(part, 'prop')?.children ?? [];
    // There is nothing that could be removed.
    return properties.map((property) => ({ property, apply: isSet ? applyOf(property) : ignored }));
  });
  if (changes.length === 0 || changes.length > maxChanges)
    throw new Refusal(400, `A PROPPATCH changes 1 to ${maxChanges} properties.`);
  return changes;
}

/** PROPPATCH: all changes or none. @throws Refusal; errors of Node */
export async function proppatch(exchange: Exchange): Promise<void> {
  const { shares, names, locks, tokens } = exchange;
  const changes = changesOf(await readXml(exchange));
  await using place = await Place.find(shares, names);
  place.requireWritable();
  locks.requireFree(names, tokens, false);
  const found = await place.entry();
  if (!found) throw new Refusal(404, 'There is no such file or folder.');
  const refused = changes.filter(({ apply }) => apply === undefined);
  const accepted = changes.filter(({ apply }) => apply !== undefined);
  if (refused.length === 0 && !isFolder({ found })) for (const { apply } of accepted) await apply?.(place);
  const xml = (of: typeof changes) => of.map(({ property }) => propertyXml(property)).join('');
  const status =
    statusXml('403 Forbidden', xml(refused)) +
    statusXml(refused.length === 0 ? '200 OK' : '424 Failed Dependency', xml(accepted));
  const address = escapeXml(addressOf(names, isFolder({ found })));
  answerXml(
    exchange,
    207,
    `${multistatusBegin}<D:response><D:href>${address}</D:href>${status}</D:response>${multistatusEnd}`,
  );
}
