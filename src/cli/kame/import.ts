import type { Command } from '@commander-js/extra-typings';
import type { ImportReport } from '../../api/import.ts';
import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import { confirm, requireTerminal } from '../confirm.ts';
import { examples, given, jsonShape } from '../options.ts';
import { noteProblems } from '../problems.ts';
import type { Session } from '../session.ts';

function addCommand(program: Command) {
  return program
    .command('import')
    .summary('import a machine, an appliance or a disk')
    .description(
      'Makes a new machine with copies of the disks of a machine of VMware, of an appliance (OVF), or of a disk. ' +
        'The original is only read. `--dry-run` shows what the new machine would lack.',
    )
    .argument(
      '<path>',
      'a .vmx or the bundle that contains it, an .ova or .ovf, the URL of an .ova, or a disk; with --undo, a machine',
    )
    .argument('[name]', 'name of the new machine (default: that of the original)')
    .option('-n, --dry-run', 'check the original and show the report, without writing anything')
    .option('--os <id>', 'guest OS id, for a disk, which does not tell')
    .option(
      '--net <old=new>',
      'network for one of an appliance: nat (the default), bridged, hostonly or a network; repeatable',
      addNetwork,
    )
    .option('--accept-eula', 'accept the licence of an appliance')
    .option('--undo', 'delete the imported machine; the original is as it was')
    .option('-y, --yes', 'with --undo, do not ask for confirmation')
    .option('--json', jsonShape('ImportedMachine; ImportReport with --dry-run; MachineDetails with --undo'))
    .addHelpText(
      'after',
      examples(
        'kame import ~/Virtual\\ Machines/web.vmwarevm --dry-run',
        'kame import ~/Virtual\\ Machines/web.vmwarevm',
        'kame import ./old/old.vmx web',
        'kame import appliance.ova --net "VM Network=bridged" --accept-eula',
        'kame import https://example.org/appliance.ova web',
        'kame import ./disk.vmdk old --os debian12-64',
        'kame import --undo web',
      ),
    );
}

type Networks = Readonly<Record<string, string>>;

function addNetwork(text: string, networks: Networks = {}): Networks {
  // The name of a network can contain anything; that of ours has no =.
  const at = text.lastIndexOf('=');
  if (at > 0) return { ...networks, [text.slice(0, at)]: text.slice(at + 1) };
  throw new KameError('USAGE', `--net is ${JSON.stringify(text)}; it must be OLD=NEW.`, {
    next: 'Such as --net "VM Network=nat".',
  });
}

/** A path as the daemon needs it; a URL stays as it is. */
function sourceOf(session: Session, path: string): string {
  return /^https?:\/\//iu.test(path) ? path : session.path(path);
}

function showReport(session: Session, { name, source, disks, eulas, notes }: ImportReport): void {
  session.print(`${name} would be imported from ${source}`);
  for (const { slot, path, sizeBytes } of disks)
    session.print(`  ${slot}  ${formatSize(sizeBytes)}  ${path ?? 'empty'}`);
  for (const note of notes) session.print(`  note: ${note}`);
  for (const eula of eulas) {
    session.printLines('\nThe licence, which --accept-eula accepts:\n');
    session.printLines(eula);
  }
}

async function undo(session: Session, reference: string, always: boolean): Promise<void> {
  const machine = await session.client.machines.show(session.machine(reference));
  if (!always) {
    requireTerminal(session);
    const { deleted } = await session.client.machines.files(machine.path);
    session.note(`These files of ${machine.name} are deleted:`, ...deleted.map((path) => `  ${path}`));
    await confirm(session, `Undo the import of ${machine.name}, with all changes since?`);
  }
  await session.client.machines.undoImport(machine.path, { signal: session.signal });
  if (session.json) session.printJson(machine);
  else session.print(`${machine.name} was deleted; its original is as it was`);
}

export function define(program: Command, session: Session): void {
  addCommand(program).action(async (path, name, options) => {
    if (options.undo === true) {
      if (name !== undefined || options.dryRun === true)
        throw new KameError('USAGE', '--undo takes one machine and neither a new name nor --dry-run.');
      await undo(session, path, options.yes === true);
      return;
    }
    const { os: guestOS, net: networks, acceptEula } = options;
    const body = { path: sourceOf(session, path), ...given({ name, guestOS, networks, acceptEula }) };
    if (options.dryRun === true) {
      const report = await session.client.machines.reportImport(body);
      if (session.json) session.printJson(report);
      else showReport(session, report);
      return;
    }
    const imported = await session.task(name ?? path, (task) => session.client.machines.import(body, task));
    const { machine, report } = imported;
    if (session.json) session.printJson(imported);
    else session.print(`${machine.name} was imported: ${machine.path}`);
    for (const note of report.notes) session.note(`${machine.name}: ${note}`);
    if (!session.json) noteProblems(session, machine);
  });
}
