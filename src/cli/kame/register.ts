import type { Command } from '@commander-js/extra-typings';
import type { RegisterMachine } from '../../api/library.ts';
import type { MachineDetails } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { canAsk, confirm } from '../confirm.ts';
import { askMovedOrCopied, movedOrCopied } from '../moved-or-copied.ts';
import { examples, given, jsonShape } from '../options.ts';
import { noteProblems } from '../problems.ts';
import type { Session } from '../session.ts';

/** `/srv/a.iso (CD sata0:1)` */
function fileText({ path, use, writable }: MachineDetails['outsideFiles'][number]): string {
  return `${path} (${use}${writable ? ', the guest can change it' : ''})`;
}

/**
 * Lists the files outside its directory that a machine would use, and asks whether it may.
 * @returns the paths that it may use
 * @throws KameError CANCELLED for any answer but yes
 */
async function askForFiles(session: Session, path: string, always: boolean): Promise<string[]> {
  const { name, outsideFiles } = await session.client.machines.inspect({ path });
  const files = outsideFiles.filter(({ agreed }) => !agreed);
  session.note(`${name} uses files outside its directory:`, ...files.map((file) => `  ${fileText(file)}`));
  if (!always) await confirm(session, 'May its guest use them?');
  return files.map((file) => file.path);
}

/** The answer to the question that an error asks, as a field of the request; undefined if there is none. */
async function answerTo(
  session: Session,
  { path }: RegisterMachine,
  error: unknown,
  always: boolean,
): Promise<Partial<RegisterMachine> | undefined> {
  if (error instanceof KameError && error.code === 'OUTSIDE_FILES' && (always || canAsk(session))) {
    return { allowOutside: await askForFiles(session, path, always) };
  }
  const answer = await askMovedOrCopied(session, error);
  return answer === undefined ? undefined : { movedOrCopied: answer };
}

/**
 * Registers a machine, and asks what the daemon cannot know: whether its guest may use files outside its directory, and
 * whether it was moved or copied.
 */
async function register(
  session: Session,
  request: RegisterMachine,
  always: boolean,
): Promise<MachineDetails> {
  try {
    return await session.client.machines.register(request);
  } catch (error) {
    const answer = await answerTo(session, request, error, always);
    // A question is asked once.
    if (!answer || Object.keys(answer).some((field) => field in request)) throw error;
    return await register(session, { ...request, ...answer }, always);
  }
}

export function define(program: Command, session: Session): void {
  program
    .command('register')
    .description('Adds an existing machine to the list of machines. Its files stay where they are.')
    .argument('<path>', 'a .vmx, or the bundle that contains it')
    .option('--allow-outside', 'let the machine use files outside its directory, without asking')
    .option('--copied', 'it is a copy: give it a UUID and MAC addresses of its own')
    .option('--moved', 'it is the original: keep its UUID and MAC addresses')
    .option('--json', jsonShape('MachineDetails'))
    .addHelpText(
      'after',
      examples('kame register ~/Virtual\\ Machines/web.vmwarevm', 'kame register ./old/old.vmx --copied'),
    )
    .action(async (path, options) => {
      const machine = await register(
        session,
        {
          path: session.path(path),
          ...given({ movedOrCopied: movedOrCopied(options) }),
        },
        options.allowOutside === true,
      );
      if (session.json) session.printJson(machine);
      else session.print(`${machine.name} was registered: ${machine.path}`);
      if (!session.json) noteProblems(session, machine);
    });
}
