import { KameError } from '../core/errors.ts';
import type { DirectionShape, LinkShape } from '../model/link-shape.ts';
import { isInSubnet, parseIpv4, parseSubnet, subnetOf } from './packet/ipv4-address.ts';
import { parseIpv6 } from './packet/ipv6-address.ts';
import { isGroup, parseMac } from './packet/mac.ts';
import {
  maxHosts,
  type LeaseStatus,
  type SwitchConfig,
  type SwitchHost,
  type SwitchPort,
  type SwitchServices,
  type SwitchUplink,
} from './switch-config.ts';

const maxPorts = 1024;
/** Unix sockets have at most 108 bytes on Linux. */
const maxPath = 107;
const labelPattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

type Fields = Readonly<Record<string, unknown>>;

function refuse(what: string, must: string): never {
  throw new KameError(
    'INVALID_VALUE',
    `The configuration of the switch is malformed: ${what} must be ${must}.`,
  );
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(what, 'an object');
  return value as Fields;
}

function listOf<T>(value: unknown, what: string, max: number, read: (item: unknown, what: string) => T): T[] {
  if (!Array.isArray(value) || value.length > max) refuse(what, `a list of at most ${max}`);
  return value.map((item, index) => read(item, `${what}[${index}]`));
}

function numberOf(value: unknown, what: string, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  return refuse(what, `a number from ${min} to ${max}`);
}

function integerOf(value: unknown, what: string, min: number, max: number): number {
  return Number.isInteger(value)
    ? numberOf(value, what, min, max)
    : refuse(what, `an integer from ${min} to ${max}`);
}

function booleanOf(value: unknown, what: string): boolean {
  return typeof value === 'boolean' ? value : refuse(what, 'true or false');
}

function textOf(
  value: unknown,
  what: string,
  max: number,
  is: (text: string) => boolean = () => true,
): string {
  const isFine = typeof value === 'string' && value !== '' && value.length <= max && is(value);
  return isFine ? value : refuse(what, `text that is valid there, of at most ${max} characters`);
}

function pathOf(value: unknown, what: string): string {
  return textOf(value, what, maxPath, (text) => text.startsWith('/') && !text.includes('\0'));
}

function ipv4Of(value: unknown, what: string): string {
  return textOf(value, what, 15, (text) => parseIpv4(text) !== undefined);
}

function macOf(value: unknown, what: string): string {
  return textOf(value, what, 17, (text) => {
    const mac = parseMac(text);
    return mac !== undefined && mac !== 0 && !isGroup(mac);
  });
}

function directionOf(value: unknown, what: string): DirectionShape {
  const fields = fieldsOf(value, what);
  const limit = fields['bitsPerSecond'];
  return {
    bitsPerSecond: limit === null ? null : numberOf(limit, `${what}.bitsPerSecond`, 1, 1e12),
    lossPerMille: numberOf(fields['lossPerMille'], `${what}.lossPerMille`, 0, 1000),
    latencyMs: numberOf(fields['latencyMs'], `${what}.latencyMs`, 0, 60_000),
  };
}

function shapeOf(value: unknown, what: string): LinkShape {
  const fields = fieldsOf(value, what);
  return {
    receive: directionOf(fields['receive'], `${what}.receive`),
    transmit: directionOf(fields['transmit'], `${what}.transmit`),
  };
}

function portOf(value: unknown, what: string): SwitchPort {
  const fields = fieldsOf(value, what);
  return {
    id: textOf(fields['id'], `${what}.id`, 200),
    socket: pathOf(fields['socket'], `${what}.socket`),
    mac: macOf(fields['mac'], `${what}.mac`),
    machine: textOf(fields['machine'], `${what}.machine`, 1000),
    shape: shapeOf(fields['shape'], `${what}.shape`),
  };
}

function hostOf(value: unknown, what: string): SwitchHost {
  const fields = fieldsOf(value, what);
  return {
    mac: macOf(fields['mac'], `${what}.mac`),
    address: ipv4Of(fields['address'], `${what}.address`),
    label:
      fields['label'] === null
        ? null
        : textOf(fields['label'], `${what}.label`, 63, (text) => labelPattern.test(text)),
  };
}

function leaseOf(value: unknown, what: string): LeaseStatus {
  const fields = fieldsOf(value, what);
  const time = (name: string) => integerOf(fields[name], `${what}.${name}`, 0, Number.MAX_SAFE_INTEGER);
  return {
    mac: macOf(fields['mac'], `${what}.mac`),
    address: ipv4Of(fields['address'], `${what}.address`),
    hostname: fields['hostname'] === null ? null : textOf(fields['hostname'], `${what}.hostname`, 63),
    port: textOf(fields['port'], `${what}.port`, 200),
    startedAt: time('startedAt'),
    expiresAt: time('expiresAt'),
  };
}

/** Checks leases that came as JSON. @throws KameError INVALID_VALUE with what is wrong */
export function readLeases(value: unknown): LeaseStatus[] {
  return listOf(value, 'leases', maxHosts, leaseOf);
}

function servicesOf(value: unknown): SwitchServices {
  const fields = fieldsOf(value, 'services');
  const prefixLength = integerOf(fields['prefixLength'], 'services.prefixLength', 8, 29);
  const subnet = subnetOf(parseIpv4(ipv4Of(fields['subnet'], 'services.subnet')) ?? 0, prefixLength);
  const inside = (name: string, from: unknown = fields[name]): string => {
    const text = ipv4Of(from, `services.${name}`);
    return isInSubnet(parseIpv4(text) ?? 0, subnet)
      ? text
      : refuse(`services.${name}`, 'an address of the subnet');
  };
  const [first, last] = listOf(fields['pool'], 'services.pool', 2, (item) => inside('pool', item));
  if (first === undefined || last === undefined || (parseIpv4(first) ?? 0) > (parseIpv4(last) ?? 0))
    return refuse('services.pool', 'two addresses, the lower one first');
  return {
    subnet: ipv4Of(fields['subnet'], 'services.subnet'),
    prefixLength,
    gateway: inside('gateway'),
    nameServer: inside('nameServer'),
    dhcpServer: inside('dhcpServer'),
    pool: [first, last],
    dhcp: booleanOf(fields['dhcp'], 'services.dhcp'),
    domain: textOf(fields['domain'], 'services.domain', 100, (text) =>
      text.split('.').every((label) => labelPattern.test(label)),
    ),
    ipv6Prefix: textOf(
      fields['ipv6Prefix'],
      'services.ipv6Prefix',
      39,
      (text) => parseIpv6(text) !== undefined,
    ),
    bootFile:
      fields['bootFile'] === null
        ? null
        : textOf(
            fields['bootFile'],
            'services.bootFile',
            127,
            (text) => !text.includes('\0') && Buffer.byteLength(text) < 128,
          ),
  };
}

function uplinkOf(value: unknown): SwitchUplink {
  const fields = fieldsOf(value, 'uplink');
  return {
    socket: pathOf(fields['socket'], 'uplink.socket'),
    outbound: booleanOf(fields['outbound'], 'uplink.outbound'),
    hostLoopback: booleanOf(fields['hostLoopback'], 'uplink.hostLoopback'),
    forbidden: listOf(fields['forbidden'], 'uplink.forbidden', 1024, (item, what) =>
      textOf(item, what, 18, (text) => parseSubnet(text) !== undefined),
    ),
  };
}

/**
 * Checks a configuration that came as JSON. Unknown fields are ignored.
 * @throws KameError INVALID_VALUE with what is wrong
 */
export function readSwitchConfig(value: unknown): SwitchConfig {
  const fields = fieldsOf(value, 'the configuration');
  const ports = listOf(fields['ports'], 'ports', maxPorts, portOf);
  if (new Set(ports.map(({ id }) => id)).size < ports.length) refuse('ports', 'a list of different ids');
  return {
    network: textOf(fields['network'], 'network', 200),
    mtu: integerOf(fields['mtu'], 'mtu', 576, 65_521),
    services: fields['services'] === null ? null : servicesOf(fields['services']),
    uplink: fields['uplink'] === null ? null : uplinkOf(fields['uplink']),
    hosts: listOf(fields['hosts'], 'hosts', maxHosts, hostOf),
    ports,
  };
}
