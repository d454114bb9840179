import type { Command } from '@commander-js/extra-typings';
import type { ExportedMachine } from '../../api/export.ts';
import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import { examples, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

function resultText(name: string, { path, files, disks }: ExportedMachine): string {
  const written = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const data = disks.reduce((sum, { dataBytes }) => sum + dataBytes, 0);
  return `${name} was exported to ${path}: ${formatSize(written)}, from ${formatSize(data)} of data`;
}

export function define(program: Command, session: Session): void {
  program
    .command('export')
    .description(
      'Writes a stopped machine, or the state of a snapshot, for VMware and other programs. The extension of the destination says ' +
        'how: .ova (one file), .ovf (files beside each other) or .vmwarevm (a bundle of Fusion). Nothing is overwritten.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<destination>', 'file or bundle to write: .ova, .ovf or .vmwarevm')
    .option('--snapshot <label>', 'the snapshot to export; the machine may then be running')
    .option('--json', jsonShape('ExportedMachine'))
    .addHelpText(
      'after',
      examples(
        'kame export demo demo.ova',
        'kame export demo ~/Virtual\\ Machines/demo.vmwarevm --snapshot clean',
      ),
    )
    .action(async (name, destination, { snapshot }) => {
      if (destination === '-') {
        throw new KameError('USAGE', 'An export cannot go to standard output.', {
          next: 'Name a file: what stands at the start of an OVA depends on its disks and is written last.',
        });
      }
      const body = { path: session.path(destination), ...given({ snapshot }) };
      const machine = session.machine(name);
      const exported = await session.task(name, (task) =>
        session.client.machines.export(machine, body, task),
      );
      if (session.json) session.printJson(exported);
      else session.print(resultText(name, exported));
      for (const note of exported.notes) session.note(`${name}: ${note}`);
    });
}
