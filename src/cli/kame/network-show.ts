import type { Command } from '@commander-js/extra-typings';
import type { NetworkDetails, NetworkInfo } from '../../api/network.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import type { Cell } from '../table.ts';
import { forwardHead, forwardRow, networkText, typeText } from './network-text.ts';

const broken = 1;

const colours = { running: 'green', stopped: 'dim', broken: 'red', '-': 'dim' } as const;

/** A bridged network is the host's: no process of Kame runs for it. */
function stateOf({ broken: fault, type, running }: NetworkInfo): keyof typeof colours {
  if (fault !== null) return 'broken';
  if (type === 'bridged') return '-';
  return running ? 'running' : 'stopped';
}

function row(network: NetworkInfo, session: Session): (Cell | string)[] {
  const { name, subnet, dhcp, machines } = network;
  const state = stateOf(network);
  return [
    name,
    typeText(network),
    subnet ?? '-',
    network.broken === null ? (dhcp ? 'yes' : 'no') : '-',
    { text: state, paint: session.paint(colours[state]) },
    machines.length === 0 ? '-' : machines.join(', '),
  ];
}

export function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .summary('list all networks')
    .description('Lists all networks, and the machines that have an adapter in each.')
    .option('--json', jsonShape('an array of Network'))
    .addHelpText('after', examples('kame network list', `kame network list --json | jq -r '.[].subnet'`))
    .action(async () => {
      const networks = await session.client.networks.list({ signal: session.signal });
      if (networks.some((one) => one.broken !== null)) session.exitCode = broken;
      if (session.json) {
        session.printJson(networks);
        return;
      }
      session.printTable(
        ['NAME', 'TYPE', 'SUBNET', 'DHCP', 'STATE', 'MACHINES'],
        networks.map((one) => row(one, session)),
      );
      for (const one of networks) if (one.broken !== null) session.note(`Broken: ${one.name}: ${one.broken}`);
    });
}

function pairsOf(network: NetworkDetails): [string, string][] {
  const { subnet, gateway, nameServer, dhcpServer, ipv6Prefix, mtu, hostLoopback, boot } = network;
  const optional: [string, string | null][] = [
    ['Subnet', subnet],
    ['Gateway', gateway],
    ['Name server', nameServer],
    ['DHCP server', dhcpServer],
    ['IPv6 prefix', ipv6Prefix === null ? null : `${ipv6Prefix}/64`],
    ['MTU', String(mtu)],
    ['Host loopback', hostLoopback ? 'guests reach it by the gateway' : null],
    ['Boots from', boot && `${boot.directory}/${boot.file}`],
    ['State', stateOf(network)],
    ['Problem', network.trouble],
  ];
  return [
    ['Name', network.name],
    ['Type', typeText(network)],
    ...optional.flatMap(([name, value]): [string, string][] => (value === null ? [] : [[name, value]])),
  ];
}

function printAll(session: Session, network: NetworkDetails): void {
  session.printPairs(pairsOf(network));
  const { adapters, forwards, reservations } = network;
  if (adapters.length > 0) {
    session.print('');
    session.printTable(
      ['MACHINE', 'ADAPTER', 'MAC', 'ADDRESS', 'NAME', 'CONNECTED', 'CONNECTIONS'],
      adapters.map((one) => [
        one.machine,
        one.device,
        one.mac,
        one.address ?? '-',
        one.hostName,
        one.connected === null ? '-' : one.connected ? 'yes' : 'no',
        one.connections === null ? '-' : String(one.connections),
      ]),
    );
  }
  for (const one of adapters) {
    const reasons = Object.entries(one.dropped).map(([reason, count]) => `${count} ${reason}`);
    if (reasons.length > 0) session.print(`Dropped from ${one.machine} ${one.device}: ${reasons.join(', ')}`);
  }
  if (forwards.length > 0) {
    session.print('');
    session.printTable(
      forwardHead,
      forwards.map((one) => forwardRow(one, session)),
    );
  }
  if (reservations.length > 0) {
    session.print('');
    session.printTable(
      ['RESERVED', 'FOR', 'MACHINE'],
      reservations.map(({ address, mac, machine }) => [address, mac, machine ?? '-']),
    );
  }
}

export function defineShow(parent: Command, session: Session): void {
  parent
    .command('show')
    .summary('show the details of a network')
    .description('Shows the details of a network: its addresses, adapters, port forwards and reservations.')
    .argument('<network>', networkText)
    .option('--json', jsonShape('NetworkDetails'))
    .addHelpText(
      'after',
      examples('kame network show vmnet8', 'kame network show vmnet8 --json | jq .adapters'),
    )
    .action(async (name) => {
      const network = await session.client.networks.show(name, { signal: session.signal });
      if (session.json) session.printJson(network);
      else printAll(session, network);
    });
}
