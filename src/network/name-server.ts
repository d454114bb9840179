import { addressBytes } from './packet/dhcp-message.ts';
import { dnsCodes, dnsTypes, nameBytes, type DnsAnswer, type DnsQuery } from './packet/dns-message.ts';
import { isInSubnet, parseIpv4, type Ipv4 } from './packet/ipv4-address.ts';
import type { Mac } from './packet/mac.ts';
import type { HostPlan, HostTable, ServicePlan } from './switch-plan.ts';

/** Seconds: an address follows a machine that is deleted and made again. */
const ttl = 10;
const reverseSuffix = '.in-addr.arpa';

type DnsRecord = DnsAnswer['records'][number];

function answer(records: readonly DnsRecord[], code: number = dnsCodes.noError): DnsAnswer {
  return { code, records, ttl, authoritative: true };
}

/** The address in a name of in-addr.arpa. */
function reverseAddress(name: string): Ipv4 | undefined {
  if (!name.endsWith(reverseSuffix)) return undefined;
  return parseIpv4(name.slice(0, -reverseSuffix.length).split('.').toReversed().join('.'));
}

function recordsOf(host: HostPlan, type: number, addresses6: readonly Uint8Array[]): DnsRecord[] {
  const records: DnsRecord[] = [];
  if (type === dnsTypes.a || type === dnsTypes.any)
    records.push({ type: dnsTypes.a, data: addressBytes(host.address) });
  if (type === dnsTypes.aaaa || type === dnsTypes.any)
    records.push(...addresses6.map((data) => ({ type: dnsTypes.aaaa, data })));
  return records;
}

/**
 * Answers questions for the machines of the network, such as web.kame, and for the names of its addresses.
 * @param addresses6 the IPv6 addresses that an adapter is known to have
 * @returns null for a name that is not of this network
 */
export function answerName(
  { name, type }: DnsQuery,
  { domain, subnet }: ServicePlan,
  hosts: HostTable,
  addresses6: (mac: Mac) => readonly Uint8Array[],
): DnsAnswer | null {
  if (name === domain) return answer([]);
  if (name.endsWith(`.${domain}`)) {
    const host = hosts.byLabel.get(name.slice(0, -domain.length - 1));
    return host ? answer(recordsOf(host, type, addresses6(host.mac))) : answer([], dnsCodes.nameError);
  }
  const address = reverseAddress(name);
  if (address === undefined || !isInSubnet(address, subnet)) return null;
  const host = hosts.byAddress.get(address);
  if (!host || host.label === null) return answer([], dnsCodes.nameError);
  const wantsName = type === dnsTypes.ptr || type === dnsTypes.any;
  return answer(wantsName ? [{ type: dnsTypes.ptr, data: nameBytes(`${host.label}.${domain}`) }] : []);
}
