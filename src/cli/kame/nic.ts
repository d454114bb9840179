import type { Command } from '@commander-js/extra-typings';
import type { ChangeDirectionShape, MachineNic, SetNic } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import {
  formatBandwidth,
  formatLoss,
  parseBandwidth,
  parseLatency,
  parseLoss,
} from '../../core/link-units.ts';
import { formatDuration } from '../../core/units.ts';
import { examples, filled, given, integer, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

const machineText = 'name, id or .vmx of a machine';
const numberText = 'number of the adapter: N of ethernetN';
const networkText = 'nat, host-only, bridged, segment:ID (a LAN segment), or the name of a network';
const highestNic = 9;
const nicNumber = integer('The number of the adapter', 0, highestNic);

type Direction = MachineNic['receive'];

function directionText({ bitsPerSecond, lossPerMille, latencyMs }: Direction): string {
  const parts = [
    bitsPerSecond === null ? '' : formatBandwidth(bitsPerSecond),
    lossPerMille === 0 ? '' : `${formatLoss(lossPerMille)} lost`,
    latencyMs === 0 ? '' : `+${formatDuration(latencyMs)}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? '-' : parts.join(', ');
}

function row({ index, network, model, mac, connected, receive, transmit }: MachineNic, session: Session) {
  const cable = connected ? 'in' : { text: 'pulled', paint: session.paint('yellow') };
  return [String(index), network, model, mac, cable, directionText(receive), directionText(transmit)];
}

function print(session: Session, name: string, nic: MachineNic, what: string): void {
  if (session.json) session.printJson(nic);
  else session.print(`${name}: adapter ${nic.index} ${what}`);
}

function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .summary('list the network adapters of a machine')
    .description(
      'Lists the network adapters of a machine, with the limits of the traffic to and from the guest.',
    )
    .argument('<name>', machineText)
    .option('--json', jsonShape('an array of MachineNic'))
    .addHelpText('after', examples('kame nic list demo'))
    .action(async (name) => {
      const nics = await session.client.nics.list(session.machine(name));
      if (session.json) session.printJson(nics);
      else {
        session.printTable(
          ['NIC', 'NETWORK', 'MODEL', 'MAC', 'CABLE', 'RECEIVE', 'TRANSMIT'],
          nics.map((nic) => row(nic, session)),
        );
      }
    });
}

function defineAdd(parent: Command, session: Session): void {
  parent
    .command('add')
    .summary('add a network adapter')
    .description('Adds a network adapter. The guest of a running machine gets it at once.')
    .argument('<name>', machineText)
    .option('--network <network>', `${networkText} (default: nat)`, filled('--network'))
    .option('--model <model>', 'virtio-net, vmxnet3, e1000e, e1000 or vlance', filled('--model'))
    .option('--mac <mac>', 'MAC address (default: generated)', filled('--mac'))
    .option('--json', jsonShape('MachineNic'))
    .addHelpText(
      'after',
      examples('kame nic add demo', 'kame nic add demo --network host-only --model e1000e'),
    )
    .action(async (name, { network, model, mac }) => {
      const { signal } = session;
      const body = given({ network, model, mac });
      const reply = session.client.nics.add(session.machine(name), body, { signal });
      const nic = await session.wait(name, `the engine of ${name}`, reply);
      print(session, name, nic, `was added: ${nic.model} on ${nic.network}, ${nic.mac}`);
    });
}

interface ShapeOptions {
  readonly loss?: string | undefined;
  readonly latency?: string | undefined;
  readonly bandwidth?: string | undefined;
}

/** The given values of a direction, of which those for one direction win. */
function directionOf(
  side: 'rx' | 'tx',
  both: ShapeOptions,
  one: ShapeOptions,
): ChangeDirectionShape | undefined {
  const value = <T>(word: keyof ShapeOptions, parse: (text: string, option: string) => T): T | undefined => {
    const own = one[word];
    if (own !== undefined) return parse(own, `--${side}-${word}`);
    return both[word] === undefined ? undefined : parse(both[word], `--${word}`);
  };
  const change = given({
    lossPerMille: value('loss', parseLoss),
    latencyMs: value('latency', parseLatency),
    bitsPerSecond: value('bandwidth', parseBandwidth),
  });
  return Object.keys(change).length === 0 ? undefined : change;
}

function defineSet(parent: Command, session: Session): void {
  parent
    .command('set')
    .summary('change the network, the cable or the traffic of an adapter')
    .description(
      'Changes the network of an adapter, pulls its cable, or loses, delays and limits its traffic; of a running machine at once. ' +
        'What is received and transmitted is seen from the guest.',
    )
    .argument('<name>', machineText)
    .argument('<nic>', numberText, nicNumber)
    .option('--network <network>', networkText, filled('--network'))
    .option('--connect', 'put the cable in')
    .option('--disconnect', 'pull the cable')
    .option('--loss <percent>', 'frames that are lost, in both directions, such as 1%')
    .option('--latency <time>', 'time that each frame waits, in both directions, such as 20ms')
    .option('--bandwidth <rate>', 'limit in both directions, such as 10mbit, or none')
    .option('--rx-loss <percent>', 'frames to the guest that are lost')
    .option('--rx-latency <time>', 'time that each frame to the guest waits')
    .option('--rx-bandwidth <rate>', 'limit of what the guest receives')
    .option('--tx-loss <percent>', 'frames from the guest that are lost')
    .option('--tx-latency <time>', 'time that each frame from the guest waits')
    .option('--tx-bandwidth <rate>', 'limit of what the guest transmits')
    .option('--json', jsonShape('MachineNic'))
    .addHelpText(
      'after',
      examples(
        'kame nic set demo 0 --network lab',
        'kame nic set demo 0 --disconnect',
        'kame nic set demo 0 --loss 1% --latency 20ms --bandwidth 10mbit',
        'kame nic set demo 0 --loss 0% --latency 0ms --bandwidth none',
      ),
    )
    .action(async (name, number, options) => {
      if (options.connect === true && options.disconnect === true)
        throw new KameError('USAGE', '--connect and --disconnect contradict each other.');
      const { rxLoss, rxLatency, rxBandwidth, txLoss, txLatency, txBandwidth } = options;
      const connected = options.connect === true ? true : options.disconnect === true ? false : undefined;
      const body: SetNic = given({
        network: options.network,
        connected,
        receive: directionOf('rx', options, { loss: rxLoss, latency: rxLatency, bandwidth: rxBandwidth }),
        transmit: directionOf('tx', options, { loss: txLoss, latency: txLatency, bandwidth: txBandwidth }),
      });
      const { signal } = session;
      const reply = session.client.nics.set(session.machine(name), String(number), body, { signal });
      const nic = await session.wait(name, `the engine of ${name}`, reply);
      const cable = nic.connected ? '' : ', its cable is pulled';
      const traffic = `receive ${directionText(nic.receive)}, transmit ${directionText(nic.transmit)}`;
      print(session, name, nic, `is on ${nic.network}${cable}; ${traffic}`);
    });
}

function defineRemove(parent: Command, session: Session): void {
  parent
    .command('remove')
    .summary('remove a network adapter')
    .description(
      'Removes a network adapter. Of a running machine only one that was added while it ran can be removed, and its guest must let go of it.',
    )
    .argument('<name>', machineText)
    .argument('<nic>', numberText, nicNumber)
    .option('--json', jsonShape('MachineNic'))
    .addHelpText('after', examples('kame nic remove demo 1'))
    .action(async (name, number) => {
      const { signal } = session;
      const reply = session.client.nics.remove(session.machine(name), String(number), { signal });
      const nic = await session.wait(name, `the guest of ${name} to let go of the adapter`, reply);
      print(session, name, nic, 'was removed');
    });
}

export function define(program: Command, session: Session): void {
  const nic = program
    .command('nic')
    .description(
      'Lists, adds, changes and removes the network adapters of a machine, while it runs or is stopped.',
    )
    .addHelpText('after', examples('kame nic list demo', 'kame nic set demo 0 --disconnect'));
  defineList(nic, session);
  defineAdd(nic, session);
  defineSet(nic, session);
  defineRemove(nic, session);
}
