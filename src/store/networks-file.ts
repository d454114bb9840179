import { KameError, messageOf } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { formatSize } from '../core/units.ts';
import { usualNetwork } from '../model/network-defaults.ts';
import { isNetworkName } from '../model/network-name.ts';
import { networkLimits, networkProblems } from '../model/network-validate.ts';
import type { Forward, Network, NetworkType } from '../model/network.ts';
import { shown } from '../model/problem.ts';
import { readOwnIfThere } from '../sys/own-file.ts';

/** A network as `networks.json` has it. One that is not valid keeps its text, and does not harm the others. */
export type StoredNetwork =
  | { readonly network: Network; readonly name: string; readonly broken: null }
  | { readonly network?: undefined; readonly name: string; readonly broken: string; readonly raw: unknown };

const maxBytes = 8 * 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with an entry of the file, for the person who edited it. */
class Malformed extends Error {}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Malformed(`${what} is not an object`);
}

function textIn(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value === 'string' && value.length <= 4096) return value;
  throw new Malformed(`${key} is not a text`);
}

function numberIn(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value === 'number') return value;
  throw new Malformed(`${key} is not a number`);
}

/** An optional field: absent and null are the same. */
function optional<T>(fields: Fields, key: string, read: (fields: Fields, key: string) => T): T | undefined {
  return fields[key] === undefined || fields[key] === null ? undefined : read(fields, key);
}

function flagIn(fields: Fields, key: string): boolean {
  const value = fields[key];
  if (typeof value === 'boolean') return value;
  throw new Malformed(`${key} is neither true nor false`);
}

function typeIn(fields: Fields): NetworkType {
  const type = textIn(fields, 'type');
  if (type === 'nat' || type === 'hostonly' || type === 'private' || type === 'bridged') return type;
  throw new Malformed(`type is "${shown(type)}"`);
}

function mapIn(fields: Fields, key: string): Record<string, string> {
  const map = fieldsOf(fields[key], key);
  return Object.fromEntries(Object.keys(map).map((mac) => [mac, textIn(map, mac)]));
}

function forwardsIn(fields: Fields, key: string): Forward[] {
  const value = fields[key];
  if (!Array.isArray(value)) throw new Malformed(`${key} is not a list`);
  return value.map((item: unknown) => {
    const forward = fieldsOf(item, 'a forward');
    const target = fieldsOf(forward['target'], 'the target of a forward');
    return {
      transport: textIn(forward, 'transport') as Forward['transport'],
      bind: textIn(forward, 'bind'),
      hostPort: numberIn(forward, 'hostPort'),
      target:
        target['machine'] === undefined
          ? { address: textIn(target, 'address') }
          : { machine: textIn(target, 'machine') },
      guestPort: numberIn(forward, 'guestPort'),
      ...(forward['description'] === undefined ? {} : { description: textIn(forward, 'description') }),
      ...(forward['automatic'] === true ? { automatic: true as const } : {}),
    };
  });
}

function bootIn(fields: Fields, key: string): NonNullable<Network['boot']> {
  const boot = fieldsOf(fields[key], key);
  return { directory: textIn(boot, 'directory'), file: textIn(boot, 'file') };
}

/** @throws Malformed */
function readFields(fields: Fields): Network {
  const subnet = optional(fields, 'subnet', textIn) ?? null;
  const usual = usualNetwork(textIn(fields, 'name'), typeIn(fields), subnet);
  return {
    ...usual,
    mtu: optional(fields, 'mtu', numberIn) ?? usual.mtu,
    dhcp: optional(fields, 'dhcp', flagIn) ?? usual.dhcp,
    interface: optional(fields, 'interface', textIn) ?? null,
    hostLoopback: optional(fields, 'hostLoopback', flagIn) ?? false,
    boot: optional(fields, 'boot', bootIn) ?? null,
    forwards: optional(fields, 'forwards', forwardsIn) ?? [],
    reservations: optional(fields, 'reservations', mapIn) ?? {},
    addresses: optional(fields, 'addresses', mapIn) ?? {},
  };
}

/** A name for an entry that cannot be read. */
function nameIn(value: unknown, at: number): string {
  const name = typeof value === 'object' && value !== null ? (value as Fields)['name'] : undefined;
  return typeof name === 'string' && isNetworkName(name) ? name : `#${at + 1}`;
}

function readEntry(value: unknown, at: number): StoredNetwork {
  try {
    const network = readFields(fieldsOf(value, 'it'));
    const problems = networkProblems(network);
    if (problems.length === 0) return { network, name: network.name, broken: null };
    return { name: nameIn(value, at), broken: problems.map(({ message }) => message).join(' '), raw: value };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { name: nameIn(value, at), broken: `Its entry is malformed: ${error.message}.`, raw: value };
  }
}

/** Two entries of the same name contradict each other: the second one is broken. */
function withoutTwins(entries: readonly StoredNetwork[]): StoredNetwork[] {
  const names = new Set<string>();
  return entries.map((entry, at) => {
    if (!names.has(entry.name)) {
      names.add(entry.name);
      return entry;
    }
    return { name: `#${at + 1}`, broken: `Another entry has the name ${entry.name}.`, raw: rawOf(entry) };
  });
}

function rawOf(entry: StoredNetwork): unknown {
  return entry.network ?? entry.raw;
}

function unusable(path: string, reason: string, cause?: unknown): KameError {
  return new KameError('FILE_ACCESS', `${path} cannot be used: ${reason}.`, {
    cause,
    next: 'Repair the file. If you move it away, Kame makes the usual networks again, without your networks, forwards and reservations.',
    details: { path },
  });
}

/**
 * Reads `networks.json`; undefined if there is none.
 * @throws KameError FILE_ACCESS
 */
export async function readNetworks(path: string): Promise<StoredNetwork[] | undefined> {
  const bytes = await readOwnIfThere(path, { maxBytes, trusted: true }).catch((error: unknown) => {
    if (!(error instanceof KameError) || error.code !== 'INVALID_VALUE') throw error;
    throw unusable(path, `it is larger than ${formatSize(maxBytes)}`, error);
  });
  if (!bytes) return undefined;
  let entries: unknown;
  try {
    const value = parseJson(bytes.toString('utf8'));
    entries = typeof value === 'object' && value !== null ? (value as Fields)['networks'] : undefined;
  } catch (error) {
    throw unusable(path, messageOf(error), error);
  }
  if (!Array.isArray(entries)) throw unusable(path, 'it has no list "networks"');
  if (entries.length > networkLimits.networks)
    throw unusable(path, `it has ${entries.length} networks; at most ${networkLimits.networks} are possible`);
  return withoutTwins(entries.map(readEntry));
}

/** The text of `networks.json`. */
export function printNetworks(entries: readonly StoredNetwork[]): string {
  return `${JSON.stringify({ networks: entries.map(rawOf) }, null, 2)}\n`;
}
