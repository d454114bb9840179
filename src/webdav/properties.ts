import type { BigIntStats } from 'node:fs';
import type { Lock } from './locks.ts';
import { addressOf } from './names.ts';
import { escapeXml } from './xml.ts';

/** A property by its namespace and name. */
export interface PropertyName {
  readonly space: string;
  readonly name: string;
}

const dav = 'DAV:';
/** Apache's property, by which davfs2 sees and sets whether a file is a program. */
export const apache = 'http://apache.org/dav/props/';

/** What properties are told of. */
export interface Described {
  readonly names: readonly string[];
  /** Undefined for the list of shares. */
  readonly found: BigIntStats | undefined;
  readonly locks: readonly Lock[];
  /** Whether the guest may change it. */
  readonly writable: boolean;
  /** Of the disk; asked only for the properties that need it. */
  readonly space: () => Promise<{ readonly free: number; readonly used: number } | undefined>;
}

export function isFolder({ found }: Pick<Described, 'found'>): boolean {
  return found?.isDirectory() ?? true;
}

/** The entity tag of a file: it changes with its content. */
export function tagOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `"${ino.toString(36)}-${size.toString(36)}-${mtimeNs.toString(36)}"`;
}

export function lockXml(lock: Lock): string {
  const scope = lock.exclusive ? 'exclusive' : 'shared';
  const owner = lock.owner === '' ? '' : `<D:owner>${lock.owner}</D:owner>`;
  return (
    `<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:${scope}/></D:lockscope>` +
    `<D:depth>${lock.deep ? 'infinity' : '0'}</D:depth>${owner}<D:timeout>Second-${lock.seconds}</D:timeout>` +
    `<D:locktoken><D:href>${escapeXml(lock.token)}</D:href></D:locktoken>` +
    `<D:lockroot><D:href>${escapeXml(addressOf(lock.names, false) || '/')}</D:href></D:lockroot></D:activelock>`
  );
}

const lockEntry = (scope: string) =>
  `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`;

type Value = (of: Described) => string | undefined | Promise<string | undefined>;

const ofFiles = (value: (found: BigIntStats) => string): Value => {
  return ({ found }) => (found?.isFile() ? value(found) : undefined);
};

/** The properties that the server knows, by name; each the XML in it, or undefined for what does not have it. */
const davProperties: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['resourcetype', (of) => (isFolder(of) ? '<D:collection/>' : '')],
  ['getcontentlength', ofFiles(({ size }) => String(size))],
  ['getetag', ofFiles((found) => escapeXml(tagOf(found)))],
  ['getlastmodified', ({ found }) => found && new Date(Number(found.mtimeMs)).toUTCString()],
  ['creationdate', ({ found }) => found && new Date(Number(found.birthtimeMs)).toISOString()],
  ['displayname', ({ names }) => escapeXml(names.at(-1) ?? 'shared folders')],
  ['supportedlock', () => lockEntry('exclusive') + lockEntry('shared')],
  ['lockdiscovery', ({ locks }) => locks.map(lockXml).join('')],
]);

/** Properties that only whoever names them gets: those that cost more (RFC 4331), and one that few know. */
const namedProperties: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['isreadonly', ({ writable }) => (writable ? '0' : '1')],
  ['quota-available-bytes', async (of) => (await of.space())?.free.toString()],
  ['quota-used-bytes', async (of) => (await of.space())?.used.toString()],
]);

const executable: PropertyName = { space: apache, name: 'executable' };
const executableValue = ofFiles(({ mode }) => ((mode & 0o100n) === 0n ? 'F' : 'T'));

function valueOf({ space, name }: PropertyName): Value | undefined {
  if (space === dav) return davProperties.get(name) ?? namedProperties.get(name);
  return space === apache && name === executable.name ? executableValue : undefined;
}

/** What a request wants to know. */
export type Wanted =
  { readonly kind: 'all' | 'names' } | { readonly kind: 'some'; readonly names: readonly PropertyName[] };

const allNames: readonly PropertyName[] = [
  ...[...davProperties.keys()].map((name) => ({ space: dav, name })),
  executable,
];

/** An element with a property. Its namespace is in it: it may be any. */
export function propertyXml({ space, name }: PropertyName, content = ''): string {
  if (space === dav) return content === '' ? `<D:${name}/>` : `<D:${name}>${content}</D:${name}>`;
  const tag = `${name} xmlns="${escapeXml(space)}"`;
  return content === '' ? `<${tag}/>` : `<${tag}>${content}</${name}>`;
}

/** Properties with a status in a response of several. */
export function statusXml(status: string, properties: string): string {
  if (properties === '') return '';
  return `<D:propstat><D:prop>${properties}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`;
}

/** One response of several: what a request wants to know of something. */
export async function responseXml(of: Described, wanted: Wanted): Promise<string> {
  let known = '';
  let unknown = '';
  for (const property of wanted.kind === 'some' ? wanted.names : allNames) {
    const value = await valueOf(property)?.(of);
    if (value === undefined) {
      if (wanted.kind === 'some') unknown += propertyXml(property);
    } else known += propertyXml(property, wanted.kind === 'names' ? '' : value);
  }
  const address = escapeXml(addressOf(of.names, isFolder(of)));
  const body = statusXml('200 OK', known) + statusXml('404 Not Found', unknown);
  return `<D:response><D:href>${address}</D:href>${body === '' ? statusXml('200 OK', ' ') : body}</D:response>`;
}

export const multistatusBegin = '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">';
export const multistatusEnd = '</D:multistatus>\n';
