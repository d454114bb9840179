import { Argument, type Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { examples, given, integer, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { forwardHead, forwardRow, networkText, targetText } from './network-text.ts';

const transports = ['tcp', 'udp'] as const;
const hostPort = integer('The port of the host', 1, 65_535);
const guestPort = integer('The port of the guest', 1, 65_535);

/** `MACHINE:PORT` or `IP:PORT`. */
function readTarget(text: string): { readonly target: string; readonly guestPort: number } {
  const at = text.lastIndexOf(':');
  if (at <= 0) {
    throw new KameError('USAGE', `"${text}" is malformed: it must be MACHINE:PORT or IP:PORT.`, {
      next: 'For example: web:80.',
    });
  }
  return { target: text.slice(0, at), guestPort: guestPort(text.slice(at + 1)) };
}

function defineAdd(parent: Command, session: Session): void {
  parent
    .command('add')
    .summary('forward a port of the host to a guest')
    .description(
      'Forwards a port of the host to a guest: to a machine, also after it is renamed, or to an address. Only programs on this host ' +
        'can connect, unless --bind says otherwise.',
    )
    .argument('<network>', networkText)
    .addArgument(new Argument('<protocol>', 'tcp or udp').choices(transports))
    .argument('<host-port>', 'port of the host', hostPort)
    .argument('<guest>', 'MACHINE:PORT, or IP:PORT with an address of the network', readTarget)
    .option('--bind <address>', 'IPv4 address of the host to listen on; 0.0.0.0 for all (default: 127.0.0.1)')
    .option('--json', jsonShape('NetworkForward'))
    .addHelpText(
      'after',
      examples(
        'kame network forward add vmnet8 tcp 8080 web:80',
        'kame network forward add vmnet8 udp 5353 192.168.77.10:53 --bind 0.0.0.0',
      ),
    )
    .action(async (network, transport, port, guest, { bind }) => {
      const target = session.machine(guest.target);
      const body = { transport, hostPort: port, target, guestPort: guest.guestPort, ...given({ bind }) };
      const forward = await session.client.networks.addForward(network, body, { signal: session.signal });
      if (session.json) session.printJson(forward);
      else
        session.print(
          `${network}: ${forward.transport} ${forward.bind}:${forward.hostPort} leads to ${targetText(forward)}${forward.state === 'waiting' ? ', while a machine runs in the network' : ''}`,
        );
    });
}

function defineForwardList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .summary('list port forwards')
    .description('Lists the port forwards of a network, or of all, and who listens for them.')
    .argument('[network]', `${networkText} (default: all networks)`)
    .option('--json', jsonShape('an array of NetworkForward'))
    .addHelpText('after', examples('kame network forward list', 'kame network forward list vmnet8 --json'))
    .action(async (network) => {
      const { networks } = session.client;
      const { signal } = session;
      const names =
        network === undefined
          ? (await networks.list({ signal })).filter((one) => one.broken === null).map(({ name }) => name)
          : [network];
      const lists = await Promise.all(
        names.map(async (name) => ({ name, forwards: await networks.forwards(name, { signal }) })),
      );
      if (session.json) {
        session.printJson(lists.flatMap(({ forwards }) => forwards));
        return;
      }
      session.printTable(
        ['NETWORK', ...forwardHead],
        lists.flatMap(({ name, forwards }) => forwards.map((one) => [name, ...forwardRow(one, session)])),
      );
    });
}

function defineForwardRemove(parent: Command, session: Session): void {
  parent
    .command('remove')
    .alias('rm')
    .summary('remove a port forward')
    .description('Removes a port forward. Connections that are open end.')
    .argument('<network>', networkText)
    .addArgument(new Argument('<protocol>', 'tcp or udp').choices(transports))
    .argument('<host-port>', 'port of the host', hostPort)
    .option('--bind <address>', 'the address that listens, if several have that port')
    .option('--json', jsonShape('Done'))
    .addHelpText('after', examples('kame network forward remove vmnet8 tcp 8080'))
    .action(async (network, transport, port, { bind }) => {
      const { signal } = session;
      const removed = await session.client.networks.removeForward(
        network,
        transport,
        String(port),
        given({ bind }),
        { signal },
      );
      if (session.json) session.printJson(removed);
      else session.print(`${network}: ${transport} ${port} is no longer forwarded`);
    });
}

export function defineForward(parent: Command, session: Session): void {
  const forward = parent
    .command('forward')
    .summary('add, list and remove port forwards')
    .description('Adds, lists and removes port forwards from the host to guests.')
    .addHelpText('after', examples('kame network forward add vmnet8 tcp 8080 web:80'));
  defineAdd(forward, session);
  defineForwardList(forward, session);
  defineForwardRemove(forward, session);
}
