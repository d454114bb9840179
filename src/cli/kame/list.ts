import type { Command } from '@commander-js/extra-typings';
import type { Machine } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { folderForm, folderNamed, isWithin } from '../../model/folder.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { cpusText, memoryText, stateCell, suspendedAdvice } from '../state.ts';
import type { Cell } from '../table.ts';

/** The exit code if some machines cannot be listed. */
const failed = 1;

const head = ['NAME', 'STATE', 'ARCH', 'ACCEL', 'CPUS', 'MEMORY', 'IP', 'AGENT'];

/** The table of machines, with their folders if any is in one. */
function printMachines(machines: readonly Machine[], session: Session): void {
  const hasFolders = machines.some(({ folder }) => folder !== '');
  session.printTable(
    hasFolders ? [...head, 'FOLDER'] : head,
    machines.map((machine) => [
      ...row(machine, session),
      ...(hasFolders ? [machine.folder === '' ? '-' : machine.folder] : []),
    ]),
  );
}

function row(machine: Machine, session: Session): (Cell | string)[] {
  return [
    machine.name,
    stateCell(machine.state, session),
    machine.arch ?? '-',
    machine.accelerator ?? '-',
    { text: cpusText(machine), align: 'right' },
    { text: memoryText(machine), align: 'right' },
    machine.ip ?? '-',
    machine.agent ? 'yes' : '-',
  ];
}

/** @throws KameError INVALID_VALUE for a folder that there cannot be */
function inFolder(machines: readonly Machine[], text = ''): readonly Machine[] {
  const outer = folderNamed(text);
  if (outer === undefined)
    throw new KameError('INVALID_VALUE', `--folder is "${text}"; it must be ${folderForm}.`);
  return machines.filter(({ folder }) => isWithin(folder, outer));
}

export function define(program: Command, session: Session): void {
  program
    .command('list')
    .alias('ls')
    .description(
      'Lists all machines of this user, including those that cannot be read (state: broken). If a directory of machines or the list of those elsewhere cannot be read, it is listed too, and the exit code is 1.',
    )
    .option('--folder <folder>', 'list only what is in this folder of the library, or in folders within it')
    .option('--json', jsonShape('an array of Machine'))
    .addHelpText(
      'after',
      examples(
        'kame list',
        'kame list --folder work',
        `kame list --json | jq -r '.[] | select(.state == "running") | .name'`,
      ),
    )
    .action(async ({ folder }) => {
      const all = await session.client.machines.list();
      const machines = inFolder(all, folder);
      // Whoever counts on the list must know that it is not all.
      if (all.some(({ path }) => !/\.vmx$/i.test(path))) session.exitCode = failed;
      if (session.json) {
        session.printJson(machines);
        return;
      }
      printMachines(machines, session);
      if (machines.length === 0 && folder === undefined)
        session.note('There are no machines yet. `kame create NAME --start` creates one.');
      for (const { name, state, reason } of machines)
        if (state === 'broken')
          session.note(`Broken: ${reason?.startsWith(name) ? '' : `${name}: `}${reason}`);
      const suspended = machines.filter(({ state }) => state === 'suspended').map(({ name }) => name);
      if (suspended.length > 0) session.note(`Suspended: ${suspendedAdvice(suspended)}`);
    });
}
