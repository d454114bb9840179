import type { Lease, NetworkForward } from '../../api/network.ts';
import { formatAddress, layoutOf, maskOf, sizeOf, subnetOf } from '../../model/network-subnet.ts';
import type { Network } from '../../model/network.ts';

/** The texts of the files in which programs that drive VMware look for networks. Pure. */

const written = '# Written by Kame, which changes it when its networks change.\n';

const standardNames: Readonly<Record<string, string>> = {
  vmnet0: 'Bridged',
  vmnet1: 'HostOnly',
  vmnet8: 'NAT',
};

/** `netmap.conf`: the names of networks, and their devices. @param names such as vmnet8 */
export function netmapText(names: readonly string[]): string {
  const lines = names.flatMap((name, index) => [
    `network${index}.name = "${standardNames[name] ?? name}"`,
    `network${index}.device = "${name}"`,
  ]);
  return `${written}${lines.join('\n')}\n`;
}

const leaseSeconds = { usual: 1800, most: 7200 } as const;

/** `dhcpd.conf` in the syntax of ISC: the subnet, and where guests find the host. Empty without addresses. */
export function dhcpText({ name, subnet }: Pick<Network, 'name' | 'subnet'>): string {
  if (subnet === null) return written;
  const parsed = subnetOf(subnet);
  const { gateway, nameServer, machines } = layoutOf(parsed);
  const text = formatAddress;
  return `${written}subnet ${text(parsed.base)} netmask ${text(maskOf(parsed))} {
  range ${text(machines[0])} ${text(machines[1])};
  option broadcast-address ${text(parsed.base + sizeOf(parsed) - 1)};
  option domain-name-servers ${text(nameServer)};
  option routers ${text(gateway)};
  default-lease-time ${leaseSeconds.usual};
  max-lease-time ${leaseSeconds.most};
}
host ${name} {
  hardware ethernet 00:50:56:c0:00:${hostByte(name)};
  fixed-address ${text(gateway)};
}
`;
}

/** The last byte of the address that VMware gives to the adapter of the host in vmnetN. */
function hostByte(name: string): string {
  const number = Number(/^vmnet(\d{1,3})$/u.exec(name)?.[1] ?? 0);
  return (number & 0xff).toString(16).padStart(2, '0');
}

/** `4 2026/11/26 08:15:00`: the day of the week, from Sunday on, and the time in UTC. */
function timeText(time: string): string {
  const date = new Date(time);
  const [day = '', clock = ''] = date.toISOString().split(/[T.]/u);
  return `${date.getUTCDay()} ${day.replaceAll('-', '/')} ${clock}`;
}

/** `dhcpd.leases` in the syntax of ISC. What a guest calls itself is cut to what a host name can be. */
export function leasesText(leases: readonly Lease[]): string {
  const entries = leases.map(({ address, mac, hostName, startedAt, expiresAt }) => {
    const name = hostName?.replace(/[^\w.-]/gu, '') ?? '';
    const lines = [
      `lease ${address} {`,
      `\tstarts ${timeText(startedAt)};`,
      `\tends ${timeText(expiresAt)};`,
      `\thardware ethernet ${mac};`,
      ...(name === '' ? [] : [`\tclient-hostname "${name}";`]),
      '}',
    ];
    return `${lines.join('\n')}\n`;
  });
  return `${written}${entries.join('')}`;
}

function incoming(forwards: readonly NetworkForward[], transport: 'tcp' | 'udp'): string[] {
  return forwards
    .filter((forward) => forward.transport === transport && forward.address !== null)
    .map(({ hostPort, address, guestPort }) => `${hostPort} = ${address}:${guestPort}`);
}

/** `nat.conf`: where the NAT is, and the ports that it forwards. */
export function natText({ subnet }: Pick<Network, 'subnet'>, forwards: readonly NetworkForward[]): string {
  const host =
    subnet === null
      ? []
      : [
          `ip = ${formatAddress(layoutOf(subnetOf(subnet)).gateway)}`,
          `netmask = ${formatAddress(maskOf(subnetOf(subnet)))}`,
        ];
  const lines = [
    '[host]',
    ...host,
    '',
    '[incomingtcp]',
    ...incoming(forwards, 'tcp'),
    '',
    '[incomingudp]',
    ...incoming(forwards, 'udp'),
  ];
  return `${written}${lines.join('\n')}\n`;
}
