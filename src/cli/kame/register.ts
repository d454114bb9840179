import type { Command } from '@commander-js/extra-typings';
import type { MachineDetails } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { canAsk, confirm } from '../confirm.ts';
import { examples, jsonShape } from '../options.ts';
import { noteProblems } from '../problems.ts';
import type { Session } from '../session.ts';
import { visible } from '../text.ts';

/** `/srv/a.iso (CD sata0:1)` */
function fileText({ path, use, writable }: MachineDetails['outsideFiles'][number]): string {
  return `  ${visible(path)} (${use}${writable ? ', the guest can change it' : ''})`;
}

/**
 * Lists the files outside its directory that a machine would use, and asks whether it may.
 * @returns the paths that it may use
 * @throws KameError CANCELLED for any answer but yes
 */
async function askForFiles(session: Session, path: string, always: boolean): Promise<string[]> {
  const { name, outsideFiles } = await session.client.machines.inspect({ path });
  const files = outsideFiles.filter(({ agreed }) => !agreed);
  session.note(`${name} uses files outside its directory:\n${files.map(fileText).join('\n')}`);
  if (!always) await confirm(session, 'May its guest use them?');
  return files.map((file) => file.path);
}

/** Registers a machine. If it uses files outside its directory, only after a yes, or with --allow-outside. */
async function register(session: Session, path: string, always: boolean): Promise<MachineDetails> {
  const { machines } = session.client;
  try {
    return await machines.register({ path });
  } catch (error) {
    const asks = error instanceof KameError && error.code === 'OUTSIDE_FILES' && (always || canAsk(session));
    if (!asks) throw error;
    return await machines.register({ path, allowOutside: await askForFiles(session, path, always) });
  }
}

export function define(program: Command, session: Session): void {
  program
    .command('register')
    .summary('add an existing machine to the list')
    .description('Adds an existing machine to the list of machines. Its files stay where they are.')
    .argument('<path>', 'a .vmx, or the bundle that contains it')
    .option('--allow-outside', 'let the machine use files outside its directory, without asking')
    .option('--json', jsonShape('MachineDetails'))
    .addHelpText(
      'after',
      examples('kame register ~/Virtual\\ Machines/web.vmwarevm', 'kame register ./old/old.vmx'),
    )
    .action(async (given, options) => {
      const machine = await register(session, session.path(given), options.allowOutside === true);
      if (session.json) session.printJson(machine);
      else session.print(`${machine.name} was registered: ${machine.path}`);
      if (!session.json) noteProblems(session, machine);
    });
}
