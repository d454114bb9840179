import type { MachineNic, Network, NetworkForward } from '../../api/generated/shapes.ts';
import { connectionTo, inWordsOfVmware, withBridge } from '../vmware-network.ts';

/** The tables of networks that vmrun prints. Pure. */

/** Widths of the columns; the last one has none. */
const widths = {
  networks: [7, 13, 13, 13, 17],
  adapters: [7, 13],
  forwards: [7, 13, 13, 17, 13],
} as const;

function row(columns: readonly number[], cells: readonly string[]): string {
  return cells
    .map((cell, at) => (at < columns.length ? cell.padEnd(columns[at] ?? 0) : cell))
    .join('')
    .trimEnd();
}

/** What stands where a network has no addresses of its own. */
const empty = 'empty';

function networkCells(network: Network): string[] {
  const { name, type = 'unknown', dhcp, subnet = empty, mask = empty } = inWordsOfVmware(network);
  return [name, type, String(dhcp), subnet, mask];
}

/** N of vmnetN. Networks with names of their own have the numbers after it. */
function numbered(networks: readonly Network[]): (readonly [number, Network])[] {
  const numberOf = ({ name }: Network) => Number(/^vmnet(\d{1,3})$/u.exec(name)?.[1] ?? NaN);
  const known = networks.filter((each) => Number.isInteger(numberOf(each)));
  const highest = Math.max(8, ...known.map(numberOf));
  const others = networks.filter((each) => !known.includes(each));
  const rows = [
    ...known.map((each) => [numberOf(each), each] as const),
    ...others.map((each, at) => [highest + 1 + at, each] as const),
  ];
  return rows.sort(([a], [b]) => a - b);
}

export function hostNetworkLines(networks: readonly Network[]): string[] {
  const all = withBridge(networks);
  return [
    `Total host networks: ${all.length}`,
    row(widths.networks, ['INDEX', 'NAME', 'TYPE', 'DHCP', 'SUBNET', 'MASK']),
    ...numbered(all).map(([index, network]) =>
      row(widths.networks, [String(index), ...networkCells(network)]),
    ),
  ];
}

export function adapterLines(nics: readonly Pick<MachineNic, 'index' | 'network'>[]): string[] {
  return [
    `Total network adapters: ${nics.length}`,
    ...(nics.length === 0 ? [] : [row(widths.adapters, ['INDEX', 'TYPE', 'VMNET'])]),
    ...nics.map(({ index, network }) => {
      const { type, vmnet } = connectionTo(network);
      return row(widths.adapters, [String(index), type, vmnet]);
    }),
  ];
}

export function forwardLines(forwards: readonly NetworkForward[]): string[] {
  const head = ['INDEX', 'PROTOCOL', 'HOST PORT', 'GUEST IP', 'GUEST PORT', 'DESCRIPTION'];
  return [
    `Total port forwardings: ${forwards.length}`,
    ...(forwards.length === 0 ? [] : [row(widths.forwards, head)]),
    ...forwards.map(({ transport, hostPort, address, guestPort, description, machine }, index) =>
      row(widths.forwards, [
        String(index),
        transport,
        String(hostPort),
        address ?? empty,
        String(guestPort),
        description || (machine ?? ''),
      ]),
    ),
  ];
}
