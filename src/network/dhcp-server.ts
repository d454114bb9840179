import type { Client, LeaseBook } from './lease-book.ts';
import {
  addressBytes,
  addressOption,
  dhcpOptions,
  dhcpReply,
  dhcpTypes,
  type DhcpRequest,
} from './packet/dhcp-message.ts';
import { nameBytes } from './packet/dns-message.ts';
import { broadcastOf, formatIpv4, type Ipv4 } from './packet/ipv4-address.ts';
import type { ServicePlan, SwitchPlan } from './switch-plan.ts';

/** As VMware's server: a guest asks again after half an hour. */
const leaseSeconds = 3600;

type Option = readonly [code: number, value: Uint8Array];

/** What is done with a request: answered, ignored, or refused because the client has too many addresses. */
export type DhcpOutcome =
  { readonly reply: Buffer; readonly address: Ipv4; readonly isNak: boolean } | 'ignored' | 'exhausted';

function seconds(value: number): Buffer {
  return addressBytes(value);
}

/** The name by which a guest calls itself, without what would act on a terminal; null if it does not. */
function hostNameOf({ options }: DhcpRequest): string | null {
  const text = options.get(dhcpOptions.hostName)?.toString('utf8') ?? '';
  const name = text.replaceAll(/[^\p{L}\p{N}._-]/gu, '').slice(0, 63);
  return name === '' ? null : name;
}

/** The options that describe a network; the same for every client. */
export function networkOptions({
  services,
  uplink,
  mtu,
}: SwitchPlan & { readonly services: ServicePlan }): Option[] {
  const mtuBytes = Buffer.alloc(2);
  mtuBytes.writeUInt16BE(mtu);
  const isOutbound = uplink?.outbound === true;
  const options: Option[] = [
    [dhcpOptions.subnetMask, addressBytes(services.subnet.mask)],
    [dhcpOptions.broadcast, addressBytes(broadcastOf(services.subnet))],
    [dhcpOptions.nameServers, addressBytes(isOutbound ? services.nameServer : services.dhcpServer)],
    [dhcpOptions.domainName, Buffer.from(services.domain)],
    [dhcpOptions.domainSearch, nameBytes(services.domain)],
    [dhcpOptions.interfaceMtu, mtuBytes],
  ];
  if (isOutbound) options.push([dhcpOptions.router, addressBytes(services.gateway)]);
  if (services.bootFile !== null && uplink) {
    options.push([dhcpOptions.tftpServer, Buffer.from(formatIpv4(services.gateway))]);
    options.push([dhcpOptions.bootFile, Buffer.from(services.bootFile)]);
  }
  return options;
}

/** Answers DHCP for a network, RFC 2131. It is authoritative: a client with a foreign address is told so. */
export class DhcpServer {
  readonly #leases: LeaseBook;

  constructor(leases: LeaseBook) {
    this.#leases = leases;
  }

  /** @param now milliseconds since 1970 */
  answer(
    request: DhcpRequest,
    port: string,
    plan: SwitchPlan & { readonly services: ServicePlan },
    now: number,
  ): DhcpOutcome {
    const client: Client = { mac: request.mac, port, hostname: hostNameOf(request) };
    const server = addressOption(request, dhcpOptions.serverId);
    switch (request.type) {
      case dhcpTypes.discover:
        return this.#discover(request, client, plan, now);
      case dhcpTypes.request:
        if (server !== undefined && server !== plan.services.dhcpServer) {
          this.#leases.withdraw(client.mac);
          return 'ignored';
        }
        return this.#request(request, client, plan, now);
      case dhcpTypes.decline:
        this.#leases.decline(client.mac, addressOption(request, dhcpOptions.requestedAddress) ?? 0, now);
        return 'ignored';
      case dhcpTypes.release:
        this.#leases.release(client.mac, request.clientAddress);
        return 'ignored';
      case dhcpTypes.inform:
        return this.#reply(request, dhcpTypes.ack, 0, plan);
      default:
        return 'ignored';
    }
  }

  #discover(
    request: DhcpRequest,
    client: Client,
    plan: SwitchPlan & { readonly services: ServicePlan },
    now: number,
  ): DhcpOutcome {
    const address = this.#leases.choose(client, addressOption(request, dhcpOptions.requestedAddress), now);
    if (address === undefined) return 'exhausted';
    this.#leases.offer(client, address, now);
    return this.#reply(request, dhcpTypes.offer, address, plan);
  }

  /** In the states SELECTING and INIT-REBOOT the address is in an option, in RENEWING and REBINDING in the header. */
  #request(
    request: DhcpRequest,
    client: Client,
    plan: SwitchPlan & { readonly services: ServicePlan },
    now: number,
  ): DhcpOutcome {
    const wanted = addressOption(request, dhcpOptions.requestedAddress) ?? request.clientAddress;
    if (wanted === 0) return 'ignored';
    if (!this.#leases.mayHave(client, wanted, now)) return this.#reply(request, dhcpTypes.nak, 0, plan);
    this.#leases.bind(client, wanted, now, leaseSeconds * 1000);
    return this.#reply(request, dhcpTypes.ack, wanted, plan);
  }

  #reply(
    request: DhcpRequest,
    type: number,
    address: Ipv4,
    plan: SwitchPlan & { readonly services: ServicePlan },
  ): DhcpOutcome {
    const { services, uplink } = plan;
    const isNak = type === dhcpTypes.nak;
    const head: Option[] = [
      [dhcpOptions.messageType, Buffer.from([type])],
      [dhcpOptions.serverId, addressBytes(services.dhcpServer)],
    ];
    const times: Option[] = [
      [dhcpOptions.leaseTime, seconds(leaseSeconds)],
      [dhcpOptions.renewalTime, seconds(leaseSeconds / 2)],
      [dhcpOptions.rebindingTime, seconds((leaseSeconds * 7) / 8)],
    ];
    const boots = !isNak && services.bootFile !== null && uplink !== null;
    const reply = dhcpReply(request, {
      type,
      yourAddress: address,
      nextServer: boots ? services.gateway : 0,
      bootFile: boots ? services.bootFile : null,
      options: isNak ? head : [...head, ...(address === 0 ? [] : times), ...networkOptions(plan)],
    });
    return { reply, address, isNak };
  }
}
