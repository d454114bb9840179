import { Option, type Command } from '@commander-js/extra-typings';
import type { ImportedMachine, ImportReport } from '../../api/import.ts';
import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import { confirm, requireTerminal } from '../confirm.ts';
import { examples, given, jsonShape, keyValue } from '../options.ts';
import { noteProblems } from '../problems.ts';
import type { Session } from '../session.ts';

function addCommand(program: Command) {
  return program
    .command('import')
    .description(
      'Makes a new machine of a machine of VMware, of an appliance (OVF), or of a disk. The original is only read. ' +
        'The disks of a machine stay where they are, if that can be: the new machine then needs its original. ' +
        'All others are copied. `--dry-run` shows that, and what the new machine would lack.',
    )
    .argument(
      '<path>',
      'a .vmx or the bundle that contains it, an .ova or .ovf, the URL of an .ova, - for an OVA on standard input, or a disk; with --undo, a machine',
    )
    .argument('[name]', 'name of the new machine (default: that of the original)')
    .option('-n, --dry-run', 'check the original and show the report, without writing anything')
    .addOption(
      new Option('--in-place', 'use the disks of a machine where they are, or refuse').conflicts('convert'),
    )
    .option('--convert', 'copy the disks of a machine')
    .option('--os <id>', 'guest OS id, for a disk, which does not tell')
    .option(
      '--net <old=new>',
      'network for one of an appliance: nat (the default), bridged, hostonly or a network; repeatable',
      addNetwork,
    )
    .option('--property <key=value>', 'value for a property of an appliance; repeatable', addProperty)
    .option('--accept-eula', 'accept the licence of an appliance')
    .option('--undo', 'delete the imported machine; the original is as it was')
    .option('-y, --yes', 'with --undo, do not ask for confirmation')
    .option('--json', jsonShape('ImportedMachine; ImportReport with --dry-run; MachineDetails with --undo'))
    .addHelpText(
      'after',
      examples(
        'kame import ~/Virtual\\ Machines/web.vmwarevm --dry-run',
        'kame import ~/Virtual\\ Machines/web.vmwarevm',
        'kame import ./old/old.vmx web --convert',
        'kame import appliance.ova --net "VM Network=bridged" --accept-eula',
        'kame import appliance.ova --property hostname=web',
        'kame import https://example.org/appliance.ova web',
        'kame import https://example.org/web/web.ovf',
        'curl https://example.org/appliance.ova | kame import -',
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

function addProperty(
  text: string,
  properties: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { key, value } = keyValue(text, '--property');
  return { ...properties, [key]: value };
}

/** A path as the daemon needs it; a URL stays as it is. */
function sourceOf(session: Session, path: string): string {
  return /^https?:\/\//iu.test(path) ? path : session.path(path);
}

function showReport(session: Session, report: ImportReport): void {
  const { name, source, disks, properties, eulas, notes } = report;
  session.print(`${name} would be imported from ${source}`);
  for (const { slot, path, sizeBytes, inPlace } of disks) {
    const way = path === undefined ? 'empty' : `${path}, ${inPlace ? 'used in place' : 'copied'}`;
    session.print(`  ${slot}  ${formatSize(sizeBytes)}  ${way}`);
  }
  for (const { key, label, value, password } of properties)
    session.print(
      `  property ${key} = ${password && value !== '' ? '***' : value}${label === '' ? '' : `  (${label})`}`,
    );
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

interface Options {
  readonly dryRun?: true;
  readonly os?: string;
  readonly net?: Networks;
  readonly property?: Readonly<Record<string, string>>;
  readonly acceptEula?: true;
  readonly inPlace?: true;
  readonly convert?: true;
}

function disksOf({ inPlace, convert }: Options): 'inPlace' | 'convert' | undefined {
  return inPlace === true ? 'inPlace' : convert === true ? 'convert' : undefined;
}

/** Standard input is an appliance: a disk needs its end first. */
async function importInput(
  session: Session,
  name: string | undefined,
  options: Options,
): Promise<ImportedMachine | ImportReport> {
  const { dryRun, os, net: networks, property: properties, acceptEula } = options;
  if (disksOf(options) === 'inPlace')
    throw new KameError('USAGE', '--in-place is for machines, and standard input must be an OVA.');
  if (os !== undefined) throw new KameError('USAGE', '--os is for disks, and standard input must be an OVA.');
  const archive = session.context.stdin as AsyncIterable<Uint8Array>;
  try {
    return await session.task(name ?? 'standard input', (task) =>
      session.client.machines.importStream(given({ name, networks, properties, acceptEula, dryRun }), {
        ...task,
        archive,
      }),
    );
  } finally {
    session.context.stdin.destroy();
  }
}

async function importPath(
  session: Session,
  path: string,
  name: string | undefined,
  options: Options,
): Promise<ImportedMachine | ImportReport> {
  const { dryRun, os: guestOS, net: networks, property: properties, acceptEula } = options;
  const { machines } = session.client;
  const disks = disksOf(options);
  const body = {
    path: sourceOf(session, path),
    ...given({ name, guestOS, networks, properties, disks, acceptEula }),
  };
  if (dryRun === true) return await machines.reportImport(body, { signal: session.signal });
  return await session.task(name ?? path, (task) => machines.import(body, task));
}

function showResult(session: Session, result: ImportedMachine | ImportReport): void {
  if (session.json) session.printJson(result);
  else if (!('machine' in result)) showReport(session, result);
  else session.print(`${result.machine.name} was imported: ${result.machine.path}`);
  if (!('machine' in result)) return;
  const { machine, report } = result;
  for (const note of report.notes) session.note(`${machine.name}: ${note}`);
  if (!session.json) noteProblems(session, machine);
}

export function define(program: Command, session: Session): void {
  addCommand(program).action(async (path, name, options) => {
    if (options.undo === true) {
      if (name !== undefined || options.dryRun === true)
        throw new KameError('USAGE', '--undo takes one machine and neither a new name nor --dry-run.');
      await undo(session, path, options.yes === true);
      return;
    }
    showResult(
      session,
      path === '-'
        ? await importInput(session, name, options)
        : await importPath(session, path, name, options),
    );
  });
}
