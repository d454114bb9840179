import { networkInterfaces } from 'node:os';

/** An IPv4 address of this host, with the subnet around it. */
export interface HostSubnet {
  /** Such as eth0. */
  readonly interface: string;
  /** The address with the length of its prefix, such as 192.168.1.20/24. */
  readonly cidr: string;
}

/** The IPv4 subnets in which this host is, without its loopback interface. */
export function hostSubnets(): HostSubnet[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).flatMap(({ family, internal, cidr }) =>
      family === 'IPv4' && !internal && cidr !== null ? [{ interface: name, cidr }] : [],
    ),
  );
}
