import type { Command } from '@commander-js/extra-typings';
import type { Machine } from '../../api/machine.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { cpusText, memoryText, stateCell, suspendedAdvice } from '../state.ts';
import type { Cell } from '../table.ts';

/** The exit code if some machines cannot be listed. */
const failed = 1;

const head = ['NAME', 'STATE', 'ARCH', 'ACCEL', 'CPUS', 'MEMORY', 'IP', 'AGENT'];

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

export function define(program: Command, session: Session): void {
  program
    .command('list')
    .alias('ls')
    .summary('list all machines')
    .description(
      'Lists all machines of this user, including those that cannot be read (state: broken). If a directory of machines or the list of those elsewhere cannot be read, it is listed too, and the exit code is 1.',
    )
    .option('--json', jsonShape('an array of Machine'))
    .addHelpText(
      'after',
      examples('kame list', `kame list --json | jq -r '.[] | select(.state == "running") | .name'`),
    )
    .action(async () => {
      const machines = await session.client.machines.list();
      // Whoever counts on the list must know that it is not all.
      if (machines.some(({ path }) => !/\.vmx$/i.test(path))) session.exitCode = failed;
      if (session.json) {
        session.printJson(machines);
        return;
      }
      session.printTable(
        head,
        machines.map((machine) => row(machine, session)),
      );
      if (machines.length === 0)
        session.note('There are no machines yet. `kame create NAME --start` creates one.');
      for (const { name, state, reason } of machines)
        if (state === 'broken')
          session.note(`Broken: ${reason?.startsWith(name) ? '' : `${name}: `}${reason}`);
      const suspended = machines.filter(({ state }) => state === 'suspended').map(({ name }) => name);
      if (suspended.length > 0) session.note(`Suspended: ${suspendedAdvice(suspended)}`);
    });
}
