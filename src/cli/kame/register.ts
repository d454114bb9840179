import type { Command } from '@commander-js/extra-typings';
import { askMovedOrCopied, movedOrCopied } from '../moved-or-copied.ts';
import { examples, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('register')
    .summary('add an existing machine to the list')
    .description('Adds an existing machine to the list of machines. Its files stay where they are.')
    .argument('<path>', 'a .vmx, or the bundle that contains it')
    .option('--copied', 'it is a copy: give it a UUID and MAC addresses of its own')
    .option('--moved', 'it is the original: keep its UUID and MAC addresses')
    .option('--json', jsonShape('MachineDetails'))
    .addHelpText(
      'after',
      examples('kame register ~/Virtual\\ Machines/web.vmwarevm', 'kame register ./old/old.vmx --copied'),
    )
    .action(async (path, options) => {
      const register = async (answer: ReturnType<typeof movedOrCopied>) =>
        await session.client.machines.register({
          path: session.path(path),
          ...given({ movedOrCopied: answer }),
        });
      const machine = await register(movedOrCopied(options)).catch(async (error: unknown) => {
        const answer = await askMovedOrCopied(session, error);
        if (answer === undefined) throw error;
        return await register(answer);
      });
      if (session.json) session.printJson(machine);
      else session.print(`${machine.name} was registered: ${machine.path}`);
    });
}
