import { isIP } from 'node:net';
import { arrayOf, integerOf, objectOf, senseless, textOf } from './reply.ts';

/** Replies as in qga/qapi-schema.json of QEMU, checked here because the guest may send anything. */

export interface GuestOsInfo {
  readonly id?: string;
  readonly name?: string;
  readonly prettyName?: string;
  readonly version?: string;
  readonly versionId?: string;
  readonly kernelRelease?: string;
  readonly kernelVersion?: string;
  readonly machine?: string;
  readonly variant?: string;
}

export interface GuestAddress {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly prefix: number;
}

export interface GuestInterface {
  readonly name: string;
  /** Lower case, with colons. */
  readonly mac?: string;
  readonly addresses: readonly GuestAddress[];
}

/** What the agent says about itself. */
export interface GuestAgentInfo {
  readonly version?: string;
  /** Names of the enabled commands. */
  readonly commands: ReadonlySet<string>;
}

export function readInfo(value: unknown): GuestAgentInfo {
  const command = 'guest-info';
  const info = objectOf(value, command);
  const commands = new Set<string>();
  for (const item of arrayOf(info['supported_commands'], command, 1000)) {
    const entry = objectOf(item, command);
    const name = textOf(entry, 'name', command, 100);
    if (name !== undefined && entry['enabled'] === true) commands.add(name);
  }
  const version = textOf(info, 'version', command, 100);
  return { ...(version === undefined ? {} : { version }), commands };
}

const osKeys = [
  ['id', 'id'],
  ['name', 'name'],
  ['prettyName', 'pretty-name'],
  ['version', 'version'],
  ['versionId', 'version-id'],
  ['kernelRelease', 'kernel-release'],
  ['kernelVersion', 'kernel-version'],
  ['machine', 'machine'],
  ['variant', 'variant'],
] as const satisfies readonly (readonly [keyof GuestOsInfo, string])[];

export function readOsInfo(value: unknown): GuestOsInfo {
  const object = objectOf(value, 'guest-get-osinfo');
  const result: { -readonly [Key in keyof GuestOsInfo]: string } = {};
  for (const [key, name] of osKeys) {
    const text = textOf(object, name, 'guest-get-osinfo', 300);
    if (text !== undefined) result[key] = text;
  }
  return result;
}

function readAddress(value: unknown): GuestAddress | undefined {
  const command = 'guest-network-get-interfaces';
  const object = objectOf(value, command);
  const address = (textOf(object, 'ip-address', command, 100) ?? '').replace(/%.*$/u, '');
  const version = isIP(address);
  if (version === 0) return undefined;
  const prefix = integerOf(object['prefix'], command, 'prefix');
  if (prefix < 0 || prefix > 128) throw senseless(command, `prefix is ${prefix}`);
  return { address, family: version === 4 ? 'ipv4' : 'ipv6', prefix };
}

function readInterface(value: unknown): GuestInterface {
  const command = 'guest-network-get-interfaces';
  const object = objectOf(value, command);
  const mac = textOf(object, 'hardware-address', command, 100)?.toLowerCase();
  const addresses = arrayOf(object['ip-addresses'] ?? [], command, 512)
    .map((entry) => readAddress(entry))
    .filter((entry) => entry !== undefined);
  return {
    name: textOf(object, 'name', command, 100) ?? '',
    ...(mac !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/u.test(mac) ? { mac } : {}),
    addresses,
  };
}

export function readInterfaces(value: unknown): GuestInterface[] {
  return arrayOf(value, 'guest-network-get-interfaces', 512).map((item) => readInterface(item));
}

/** Converts nanoseconds since 1970 to a time. The clock of the guest may be wrong, but must be a valid time. */
export function readTime(value: unknown): Date {
  const date = new Date(typeof value === 'number' ? value / 1e6 : Number.NaN);
  if (Number.isNaN(date.getTime())) throw senseless('guest-get-time', 'it is not a valid time');
  return date;
}
