import type { LinkShape } from '../model/link-shape.ts';

/** Hosts in a configuration at most. */
export const maxHosts = 4096;

/**
 * What the switch of a network is told by the daemon, and what it reports. Everything is sent whole and can be sent again:
 * the switch compares it with what it has, so that a new switch and a new daemon need no other history.
 */

/** A machine's network adapter as a port of the switch. */
export interface SwitchPort {
  /** Unique in the network: `RUN/N` for `ethernetN` of the machine with that run directory. */
  readonly id: string;
  /** The listening socket of the adapter in the run directory of its machine. The switch connects to it, again and again. */
  readonly socket: string;
  /** Of the adapter, in lower case with colons. No other port may send from it. */
  readonly mac: string;
  /** The name of the machine, for reports. */
  readonly machine: string;
  readonly shape: LinkShape;
}

/** An adapter that has an address here: of a running machine, or one for which a person reserved an address. */
export interface SwitchHost {
  readonly mac: string;
  /** Dotted decimal, in the subnet. */
  readonly address: string;
  /** The label of its name in the domain, such as `web` for `web.kame`; null if it is not that of a running machine. */
  readonly label: string | null;
}

/** Addresses of a network with services: DHCP and names from the switch, and routing if it has an uplink. */
export interface SwitchServices {
  /** Such as `192.168.77.0`. */
  readonly subnet: string;
  /** 8 to 29. */
  readonly prefixLength: number;
  /** Addresses of VMware's layout: the NAT gateway is .2, its name server .3, the DHCP server .254. */
  readonly gateway: string;
  readonly nameServer: string;
  readonly dhcpServer: string;
  /** The first and the last address that adapters of unknown MAC get. */
  readonly pool: readonly [string, string];
  /** Answer DHCP and refuse other servers. False leaves DHCP to the guests. */
  readonly dhcp: boolean;
  /** The domain of the machines' names, such as `kame`. */
  readonly domain: string;
  /** The prefix of the network's IPv6 addresses, of 64 bits, such as `fd12:3456:789a:8::`; its gateway is ::2, its name server ::3. */
  readonly ipv6Prefix: string;
  /** For PXE: the name of the file that the DHCP answer names; null without. */
  readonly bootFile: string | null;
}

/** The NAT process beside the switch. */
export interface SwitchUplink {
  /** Its listening socket. */
  readonly socket: string;
  /** False: only forwarded connections get through, as on a host-only network. */
  readonly outbound: boolean;
  /** Guests may reach the loopback interface of the host by the gateway's address. */
  readonly hostLoopback: boolean;
  /** Subnets of the other networks, which guests of this one must not reach, as `192.168.78.0/24`. */
  readonly forbidden: readonly string[];
}

export interface SwitchConfig {
  /** The network's name. */
  readonly network: string;
  /** Largest payload of a frame in bytes, 576 to 65521. */
  readonly mtu: number;
  /** Null for a LAN segment: frames are switched, and nothing else. */
  readonly services: SwitchServices | null;
  /** Null for a private network. */
  readonly uplink: SwitchUplink | null;
  readonly hosts: readonly SwitchHost[];
  readonly ports: readonly SwitchPort[];
}

/** Reasons for which frames are dropped, and what each says about a guest. */
export const dropReasons = [
  /** A source address that belongs to another port or to the network itself. */
  'spoofed-mac',
  /** ARP or neighbour discovery that claims an address of the network or of another machine. */
  'spoofed-address',
  /** DHCP server, DHCPv6 server or router advertisement from a guest. */
  'rogue-server',
  /** More addresses or leases than one port may have. */
  'exhaustion',
  /** More broadcasts, multicasts and unknown destinations than one port may send. */
  'storm',
  /** Addressed to what guests must not reach, such as the host's loopback interface. */
  'forbidden',
  /** Longer than the MTU, shorter than a header, or malformed. */
  'malformed',
  /** The receiver does not keep up, or is not connected. */
  'congestion',
  /** Lost on purpose: `LinkShape`. */
  'shaped',
] as const;
export type DropReason = (typeof dropReasons)[number];

/** Counts are from the side of the guest: sent is what its adapter sent. Bytes are those of the frames. */
export interface PortStatus {
  readonly id: string;
  /** Its adapter accepted the connection. */
  readonly connected: boolean;
  /** TCP connections that it has opened to the outside, and that have not ended. */
  readonly connections: number;
  readonly receivedFrames: number;
  readonly receivedBytes: number;
  readonly sentFrames: number;
  readonly sentBytes: number;
  /** Frames from this port that were dropped, by reason; reasons without any are absent. */
  readonly dropped: Partial<Record<DropReason, number>>;
}

export interface LeaseStatus {
  readonly mac: string;
  readonly address: string;
  /** As the guest names itself (option 12), cleaned of control characters; null without. */
  readonly hostname: string | null;
  /** The port from which it was asked for. */
  readonly port: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly expiresAt: number;
}

export interface SwitchStatus {
  readonly uplinkConnected: boolean;
  readonly ports: readonly PortStatus[];
  readonly leases: readonly LeaseStatus[];
}

/**
 * The control protocol: one JSON object a line, in both directions, over the Unix socket that the switch listens on.
 * The reply has the request's id. `configure` replaces the configuration; `status` reports.
 */
export type SwitchRequest =
  | { readonly id: number; readonly method: 'configure'; readonly config: SwitchConfig }
  | { readonly id: number; readonly method: 'status' };

export type SwitchReply =
  { readonly id: number; readonly status: SwitchStatus } | { readonly id: number; readonly error: string };
