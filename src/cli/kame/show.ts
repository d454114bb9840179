import type { Command } from '@commander-js/extra-typings';
import type { DiskInfo, MachineDetails, Port, Timings } from '../../api/machine.ts';
import { reachedStages, unknownStages } from '../../api/stages.ts';
import { withQuotedName } from '../../core/shell-word.ts';
import { formatDuration, formatSize } from '../../core/units.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { cpusText, memoryText, stateCell, suspendedAdvice } from '../state.ts';
import type { Cell } from '../table.ts';

type Pair = readonly [string, Cell | string];

function diskText(disk: DiskInfo): string {
  const sizes = [
    disk.sizeBytes === null ? undefined : formatSize(disk.sizeBytes),
    disk.allocatedBytes === null ? undefined : `${formatSize(disk.allocatedBytes)} on the host`,
  ].filter((text) => text !== undefined);
  return [disk.device, disk.format ?? 'unreadable', ...sizes, disk.path].join(', ');
}

function networkText({ connection, network }: MachineDetails['nics'][number]): string {
  return connection === 'pvn' ? `${network} (LAN segment)` : network;
}

function portText({ kind, path }: Port): string {
  return [kind, ...(path === '' ? [] : [path]), 'not connected'].join(', ');
}

function timingsText(timings: Timings): string {
  const parts = [`process ${formatDuration(timings.spawnMs)}`, `engine ${formatDuration(timings.qmpMs)}`];
  for (const { stage, ms } of reachedStages(timings)) parts.push(`${stage} ${formatDuration(ms)}`);
  const unknown = unknownStages(timings);
  return `${parts.join(', ')}${unknown.length === 0 ? '' : `; not known: ${unknown.join(', ')}`}`;
}

/** Less than this, in milliseconds, can't be told apart from the time that it takes to ask. */
const exactMs = 50;
const dayMs = 86_400_000;

function clockText({ clock, syncTime }: MachineDetails): string {
  const off = syncTime ? [] : ['not set by Kame (sync-time is off)'];
  if (clock === null) return ['the guest agent does not tell the time', ...off].join(', ');
  const { offsetMs } = clock;
  const days = Math.round(Math.abs(offsetMs) / dayMs);
  const amount = days > 1 ? `${days} days` : formatDuration(Math.abs(offsetMs));
  const ahead = `${amount} ${offsetMs < 0 ? 'behind' : 'ahead of'} the host’s`;
  return [Math.abs(offsetMs) <= exactMs ? 'right' : ahead, ...off].join(', ');
}

function runningPairs(machine: MachineDetails): Pair[] {
  const { accelerator, acceleratorReason: reason, timings, sockets } = machine;
  const pairs: Pair[] = [];
  if (accelerator !== null) pairs.push(['accelerator', reason ? `${accelerator} (${reason})` : accelerator]);
  if (machine.graphicsNote !== null) pairs.push(['3D', machine.graphicsNote]);
  if (machine.engineVersion !== null) pairs.push(['engine', `QEMU ${machine.engineVersion}`]);
  if (machine.pid !== null) pairs.push(['process', String(machine.pid)]);
  if (machine.startedAt !== null) pairs.push(['started', machine.startedAt]);
  if (timings !== null) pairs.push(['timings', timingsText(timings)]);
  if (machine.agent) pairs.push(['clock', clockText(machine)]);
  if (sockets !== null)
    pairs.push(['monitor', sockets.monitor], ['serial', sockets.serial], ['vnc', sockets.vnc]);
  return pairs;
}

function outsideText({ path, use, writable, agreed }: MachineDetails['outsideFiles'][number]): string {
  const parts = [path, use, ...(writable ? ['writable'] : []), agreed ? 'agreed' : 'not agreed'];
  return parts.join(', ');
}

function devicePairs(machine: MachineDetails): Pair[] {
  const pairs: Pair[] = [];
  for (const disk of machine.disks) pairs.push([`disk ${disk.slot}`, diskText(disk)]);
  for (const drive of machine.cdroms) pairs.push([`cdrom ${drive.slot}`, drive.path ?? 'empty']);
  for (const { device, path, attached } of machine.floppies)
    pairs.push([device, path === null ? 'empty' : attached ? path : `${path}, not attached`]);
  for (const nic of machine.nics) pairs.push([nic.device, [nic.model, networkText(nic), nic.mac].join(', ')]);
  for (const port of machine.ports) pairs.push([port.device, portText(port)]);
  return pairs;
}

function pairsOf(machine: MachineDetails, session: Session): Pair[] {
  const pairs: Pair[] = [
    ['name', machine.name],
    ['state', stateCell(machine.state, session)],
    ['id', machine.id === '' ? '-' : machine.id],
    ['path', machine.path],
    ['guest OS', machine.arch === null ? '-' : `${machine.guestOS} (${machine.arch})`],
    ['cpus', cpusText(machine)],
    ['memory', memoryText(machine)],
    ['firmware', machine.firmware === '' ? '-' : machine.firmware],
    ['address', machine.ip ?? '-'],
    ['agent', machine.agent ? 'answers' : '-'],
  ];
  // A state that another program saved is a problem, with its own advice.
  const isOurs = !machine.problems.some(({ key }) => key === 'checkpoint.vmState');
  if (machine.state === 'suspended' && isOurs) pairs.push(['suspended', suspendedAdvice([machine.name])]);
  if (machine.annotation !== '') pairs.push(['note', machine.annotation]);
  if (machine.folder !== '') pairs.push(['folder', machine.folder]);
  if (machine.machineType !== null) pairs.push(['machine type', machine.machineType]);
  if (machine.image !== null) pairs.push(['image', machine.image]);
  pairs.push(...devicePairs(machine));
  for (const file of machine.outsideFiles) pairs.push(['outside file', outsideText(file)]);
  pairs.push(...runningPairs(machine), ['log', machine.log]);
  for (const { severity, key, message } of machine.problems) {
    const advice = withQuotedName(message, machine.name);
    const text = key === '' ? advice : `${key}: ${advice}`;
    pairs.push([severity, { text, paint: session.paint(severity === 'error' ? 'red' : 'yellow') }]);
  }
  return pairs;
}

export function define(program: Command, session: Session): void {
  program
    .command('show')
    .description('Shows the details of a machine: its settings, devices, runtime state and problems.')
    .argument('<name>', 'name, id or .vmx of a machine')
    .option('--json', jsonShape('MachineDetails'))
    .addHelpText('after', examples('kame show demo', 'kame show demo --json | jq .disks'))
    .action(async (name) => {
      const machine = await session.client.machines.show(session.machine(name));
      if (session.json) session.printJson(machine);
      else session.printPairs(pairsOf(machine, session));
    });
}
