import { basename, dirname } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { confirm } from '../confirm.ts';
import { examples, filled, given, integer, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { networkText, printDetails } from './network-text.ts';

const [leastMtu, mostMtu] = [576, 65_521];

interface TypeOptions {
  readonly nat?: true | undefined;
  readonly hostOnly?: true | undefined;
  readonly private?: true | undefined;
  readonly bridged?: string | undefined;
}

/** The type that the options name. @throws KameError USAGE if they name several */
function typeOf(options: TypeOptions): 'nat' | 'hostonly' | 'private' | 'bridged' | undefined {
  const named = [
    ...(options.nat ? (['nat'] as const) : []),
    ...(options.hostOnly ? (['hostonly'] as const) : []),
    ...(options.private ? (['private'] as const) : []),
    ...(options.bridged === undefined ? [] : (['bridged'] as const)),
  ];
  if (named.length > 1) {
    throw new KameError('USAGE', 'A network has one type.', {
      next: 'Use one of --nat, --host-only, --private and --bridged.',
    });
  }
  return named[0];
}

/** `--boot DIR/FILE`. */
function bootOf(session: Session, text: string | undefined) {
  if (text === undefined) return undefined;
  const path = session.path(text);
  return { directory: dirname(path), file: basename(path) };
}

const typeTexts = {
  nat: 'machines reach each other and, through the host, the outside',
  hostOnly: 'machines reach each other, and the host reaches them',
  private: 'machines reach each other only',
  bridged: 'machines are on the network of an interface of the host',
} as const;
/** What options of both verbs mean. */
const optionTexts = {
  subnet: 'private IPv4 subnet, such as 192.168.77.0/24',
  hostLoopback: 'let guests reach services on the loopback address of the host',
  boot: 'file from which guests boot by PXE; they can read all files of its directory',
} as const;
const mtu = integer('--mtu', leastMtu, mostMtu);
const filledInterface = filled('--bridged');

export function defineCreate(parent: Command, session: Session): void {
  parent
    .command('create')
    .summary('create a network')
    .description('Creates a network: NAT unless said otherwise. Without --subnet it gets a free one.')
    .argument('<new-network>', 'name of the network: lower-case letters, digits and dashes')
    .option('--nat', typeTexts.nat)
    .option('--host-only', typeTexts.hostOnly)
    .option('--private', typeTexts.private)
    .option('--bridged <interface>', typeTexts.bridged, filledInterface)
    .option('--subnet <cidr>', optionTexts.subnet)
    .option('--mtu <bytes>', 'largest payload of a frame (default: 1500)', mtu)
    .option('--no-dhcp', 'do not answer DHCP')
    .option('--host-loopback', optionTexts.hostLoopback)
    .option('--boot <path>', optionTexts.boot)
    .option('--json', jsonShape('NetworkDetails'))
    .addHelpText(
      'after',
      examples(
        'kame network create lab',
        'kame network create inside --host-only --subnet 10.9.8.0/24',
        'kame network create vmnet0 --bridged br0',
        'kame network create pxe --boot /srv/tftp/grubaa64.efi',
      ),
    )
    .action(async (name, options) => {
      const { bridged, subnet, hostLoopback } = options;
      const dhcp = options.dhcp ? undefined : false;
      const type = typeOf(options);
      const boot = bootOf(session, options.boot);
      const body = given({ type, subnet, mtu: options.mtu, dhcp, interface: bridged, hostLoopback, boot });
      const { signal } = session;
      const details = await session.client.networks.create({ name, ...body }, { signal });
      printDetails(session, details, 'created');
    });
}

export function defineSet(parent: Command, session: Session): void {
  parent
    .command('set')
    .summary('change a network')
    .description(
      'Changes a network. Machines keep running; the type, the subnet and the interface can be changed only while none runs in it. ' +
        'In another subnet, reservations keep their last numbers.',
    )
    .argument('<network>', networkText)
    .option('--nat', typeTexts.nat)
    .option('--host-only', typeTexts.hostOnly)
    .option('--private', typeTexts.private)
    .option('--bridged <interface>', typeTexts.bridged, filledInterface)
    .option('--subnet <cidr>', optionTexts.subnet)
    .option('--mtu <bytes>', 'largest payload of a frame', mtu)
    .option('--dhcp', 'answer DHCP')
    .option('--no-dhcp', 'do not answer DHCP')
    .option('--host-loopback', optionTexts.hostLoopback)
    .option('--no-host-loopback', 'do not let guests reach them')
    .option('--boot <path>', optionTexts.boot)
    .option('--no-boot', 'do not offer network boot')
    .option('--json', jsonShape('NetworkDetails'))
    .addHelpText(
      'after',
      examples(
        'kame network set vmnet8 --subnet 10.9.8.0/24',
        'kame network set lab --mtu 9000 --host-loopback',
      ),
    )
    .action(async (name, options) => {
      const { bridged, subnet, dhcp, hostLoopback } = options;
      const noBoot = options.boot === false ? null : undefined;
      const boot = typeof options.boot === 'string' ? bootOf(session, options.boot) : noBoot;
      const body = given({
        type: typeOf(options),
        subnet,
        mtu: options.mtu,
        dhcp,
        interface: bridged,
        hostLoopback,
        boot,
      });
      if (Object.keys(body).length === 0)
        throw new KameError('USAGE', 'Nothing to change.', {
          next: '`kame network set --help` lists the options.',
        });
      const details = await session.client.networks.set(name, body, { signal: session.signal });
      printDetails(session, details, 'changed');
    });
}

export function defineDelete(parent: Command, session: Session): void {
  parent
    .command('delete')
    .alias('rm')
    .summary('delete a network')
    .description(
      'Deletes a network that no machine uses, with its forwards and reservations. It asks for confirmation.',
    )
    .argument('<network>', networkText)
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--json', jsonShape('Done'))
    .addHelpText('after', examples('kame network delete lab'))
    .action(async (name, { yes }) => {
      if (yes !== true)
        await confirm(session, `Delete the network ${name}, its forwards and its reservations?`);
      const deleted = await session.client.networks.delete(name, { signal: session.signal });
      if (session.json) session.printJson(deleted);
      else session.print(`${name} was deleted`);
    });
}
