import type { Command } from '@commander-js/extra-typings';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

const failed = 1;

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

export function define(program: Command, session: Session): void {
  program
    .command('repair')
    .description(
      'Re-links a machine with its linked clones, with the machines that it is a linked clone of, and with the original whose disks it uses in place, after any of them was moved. Nothing is changed unless a disk is found that has the same content as before. The exit code is 1 if something could not be repaired.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .option('--forget <vmx>', 'a linked clone that no longer exists; can be repeated', collect, [])
    .option('--accept-base', 'accept the base disks of this linked clone, although they have changed')
    .option('--original <directory>', 'where the original is now whose disks this machine uses in place')
    .option('--json', jsonShape('RepairedMachine'))
    .addHelpText(
      'after',
      examples(
        'kame repair web',
        'kame repair web --forget /srv/old/fix.vmwarevm/fix.vmx',
        'kame repair web --original /srv/vmware/web.vmwarevm',
      ),
    )
    .action(async (name, options) => {
      const repaired = await session.client.machines.repair(session.machine(name), {
        forget: options.forget,
        acceptBase: options.acceptBase === true,
        ...(options.original === undefined ? {} : { original: session.path(options.original) }),
      });
      if (repaired.problems.length > 0) session.exitCode = failed;
      if (session.json) {
        session.printJson(repaired);
        return;
      }
      for (const change of repaired.changes) session.print(change);
      for (const problem of repaired.problems) session.note(problem);
      if (repaired.changes.length + repaired.problems.length === 0)
        session.print(`${repaired.name} needs no repair`);
    });
}
