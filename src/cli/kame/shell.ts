import type { Command } from '@commander-js/extra-typings';
import { runInGuest, terminalLike } from '../guest-command.ts';
import { examples, filled, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { printSocket } from '../websocket-address.ts';
import { writeAll } from '../write-all.ts';

export function define(program: Command, session: Session): void {
  program
    .command('shell')
    .description(
      'Opens a login shell in the guest, on a terminal of the size of this one. It needs no network and no password, but ' +
        'kame-tools in the guest; without them, use kame console or kame ssh. The exit code of the shell becomes that of kame.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .option('--user <user>', 'user of the guest (default: root)', filled('--user'))
    .option('--json', jsonShape('{name, socket, path}, the address of its WebSocket, instead of connecting'))
    .addHelpText('after', examples('kame shell demo', 'kame shell demo --user alice'))
    .action(async (name, { user }) => {
      if (session.json) {
        await printSocket(session, name, 'machines.exec');
        return;
      }
      const { stdout } = session.context;
      const request = {
        command: [],
        stdin: true,
        terminal: terminalLike(session.context),
        ...given({ user }),
      };
      await runInGuest(session, name, request, async (_stream, data) => await writeAll(stdout, data));
    });
}
