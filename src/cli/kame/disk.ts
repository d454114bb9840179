import type { Command } from '@commander-js/extra-typings';
import type { MachineDisk } from '../../api/checkpoint.ts';
import { formatSize } from '../../core/units.ts';
import { confirm } from '../confirm.ts';
import { freedText } from '../freed.ts';
import { noteAll } from '../notes.ts';
import { examples, filled, given, jsonShape, sizeAboveZero } from '../options.ts';
import type { Session } from '../session.ts';
import type { Cell } from '../table.ts';

const machineText = 'name, id or .vmx of a machine';
const diskText = 'slot of the disk, such as nvme0:0, or its file name';
const filledDisk = filled('The disk');
const failed = 1;

const sizeText = (bytes: number | null) => (bytes === null ? '-' : formatSize(bytes));

/** The space that all layers of a disk take on the host; null if unknown. */
function onHost({ layers }: MachineDisk): number | null {
  return layers.reduce<number | null>(
    (sum, { allocatedBytes }) => (sum === null || allocatedBytes === null ? null : sum + allocatedBytes),
    0,
  );
}

function row(disk: MachineDisk, session: Session): (Cell | string)[] {
  const { problem } = disk;
  return [
    disk.slot,
    disk.device,
    disk.format ?? '-',
    { text: sizeText(disk.sizeBytes), align: 'right' },
    { text: sizeText(onHost(disk)), align: 'right' },
    { text: String(disk.layers.length), align: 'right' },
    problem === null ? disk.path : { text: problem, paint: session.paint('red') },
  ];
}

function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .summary('list the disks of a machine')
    .description('Lists the disks of a machine and the space that all layers of each disk take on the host.')
    .argument('<name>', machineText)
    .option('--json', jsonShape('an array of MachineDisk'))
    .addHelpText('after', examples('kame disk list demo', `kame disk list demo --json | jq '.[].layers'`))
    .action(async (name) => {
      const disks = await session.client.disks.list(session.machine(name));
      if (session.json) session.printJson(disks);
      else {
        session.printTable(
          ['SLOT', 'DEVICE', 'FORMAT', 'SIZE', 'ON HOST', 'LAYERS', 'FILE'],
          disks.map((disk) => row(disk, session)),
        );
      }
    });
}

function defineAdd(parent: Command, session: Session): void {
  parent
    .command('add')
    .summary('add an empty disk')
    .description('Adds an empty disk to a stopped machine.')
    .argument('<name>', machineText)
    .argument('<size>', 'size of the disk, such as 20GiB', sizeAboveZero('The size'))
    .option(
      '--slot <slot>',
      'slot for the disk, such as nvme0:1 (default: the next free slot)',
      filled('--slot'),
    )
    .option('--json', jsonShape('MachineDisk'))
    .addHelpText('after', examples('kame disk add demo 20GiB', 'kame disk add demo 1TiB --slot nvme0:1'))
    .action(async (name, sizeBytes, { slot }) => {
      const body = { sizeBytes, ...given({ slot }) };
      const disk = await session.task(name, (options) =>
        session.client.disks.add(session.machine(name), body, options),
      );
      if (session.json) session.printJson(disk);
      else session.print(`${name}: ${disk.slot} was added: ${sizeText(disk.sizeBytes)}, ${disk.path}`);
    });
}

function defineGrow(parent: Command, session: Session): void {
  parent
    .command('grow')
    .summary('expand a disk')
    .description(
      'Expands a disk of a stopped machine. You cannot expand a disk that has snapshots. Expand its partitions and file systems in the guest.',
    )
    .argument('<name>', machineText)
    .argument('<disk>', diskText, filledDisk)
    .argument('<size>', 'new size of the disk, such as 40GiB', sizeAboveZero('The size'))
    .option('--json', jsonShape('GrownDisk'))
    .addHelpText('after', examples('kame disk grow demo nvme0:0 40GiB'))
    .action(async (name, disk, sizeBytes) => {
      const grown = await session.task(name, (options) =>
        session.client.disks.grow(session.machine(name), disk, { sizeBytes }, options),
      );
      if (session.json) {
        session.printJson(grown);
        return;
      }
      const size = sizeText(grown.sizeBytes);
      session.print(
        grown.bytesAdded === 0
          ? `${name}: ${grown.slot} already has ${size}`
          : `${name}: ${grown.slot} was expanded to ${size}; expand its partitions and file systems in the guest`,
      );
      noteAll(session, name, grown.notes);
    });
}

function defineCompact(parent: Command, session: Session): void {
  parent
    .command('compact')
    .summary('reclaim the unused space of a disk')
    .description(
      'Reclaims the unused space of a disk of a stopped machine. The content of the disk does not change.',
    )
    .argument('<name>', machineText)
    .argument('<disk>', diskText, filledDisk)
    .option('--json', jsonShape('CompactedDisk'))
    .addHelpText('after', examples('kame disk compact demo nvme0:0'))
    .action(async (name, disk) => {
      const compacted = await session.task(name, (options) =>
        session.client.disks.compact(session.machine(name), disk, options),
      );
      if (session.json) session.printJson(compacted);
      else session.print(`${name}: ${compacted.slot} was compacted; ${freedText(compacted.bytesFreed)}`);
    });
}

function defineCheck(parent: Command, session: Session): void {
  parent
    .command('check')
    .summary('check the files of one disk or of all disks')
    .description(
      'Checks the files of a disk or of all disks, layer by layer, also those that only snapshots need. While the machine is running, layers that the engine writes to are not checked. The exit code is 1 if an error was found.',
    )
    .argument('<name>', machineText)
    .argument('[disk]', `${diskText} (default: all disks)`, filledDisk)
    .option('--repair', 'free leaked clusters; the machine must be stopped')
    .option('--json', jsonShape('CheckedDisks'))
    .addHelpText('after', examples('kame disk check demo', 'kame disk check demo nvme0:0 --repair'))
    .action(async (name, disk, { repair }) => {
      const { disks } = session.client;
      const machine = session.machine(name);
      const body = given({ repair });
      const checked = await session.task(name, (options) =>
        disk === undefined
          ? disks.checkAll(machine, body, options)
          : disks.check(machine, disk, body, options),
      );
      if (!checked.ok) session.exitCode = failed;
      if (session.json) {
        session.printJson(checked);
        return;
      }
      session.printTable(
        ['SLOT', 'STATUS', 'FOUND', 'FILE'],
        checked.layers.map(({ slot, ok, message, path }) => {
          const status = { text: ok ? 'ok' : 'failed', paint: session.paint(ok ? 'green' : 'red') };
          return [slot, status, message, path];
        }),
      );
    });
}

function defineRemove(parent: Command, session: Session): void {
  parent
    .command('remove')
    .summary('remove a disk')
    .description('Removes a disk from a stopped machine and deletes its file. It asks for confirmation.')
    .argument('<name>', machineText)
    .argument('<disk>', diskText, filledDisk)
    .option('--keep-file', 'keep the content of the disk in one file; does not ask for confirmation')
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--json', jsonShape('RemovedDisk'))
    .addHelpText(
      'after',
      examples('kame disk remove demo nvme0:1', 'kame disk remove demo nvme0:1 --keep-file'),
    )
    .action(async (name, disk, { keepFile, yes }) => {
      if (keepFile !== true && yes !== true)
        await confirm(session, `Delete disk ${disk} of ${name} and all data on it?`);
      const { signal } = session;
      const removed = await session.client.disks.remove(session.machine(name), disk, given({ keepFile }), {
        signal,
      });
      if (session.json) session.printJson(removed);
      else {
        const file = removed.fileKept ? `its file was kept: ${removed.path}` : 'its file was deleted';
        session.print(`${name}: ${removed.slot} was removed; ${file}`);
      }
    });
}

export function define(program: Command, session: Session): void {
  const disk = program
    .command('disk')
    .description('Lists, adds, grows, compacts, checks and removes the disks of a machine.')
    .addHelpText('after', examples('kame disk list demo', 'kame disk grow demo nvme0:0 40GiB'));
  defineList(disk, session);
  defineAdd(disk, session);
  defineGrow(disk, session);
  defineCompact(disk, session);
  defineCheck(disk, session);
  defineRemove(disk, session);
}
