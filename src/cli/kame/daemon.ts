import type { Command } from '@commander-js/extra-typings';
import type { DaemonStatus } from '../../api/messages.ts';
import { formatSize } from '../../core/units.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

function print(session: Session, status: DaemonStatus): void {
  if (session.json) {
    session.printJson(status);
    return;
  }
  if (!status.running) {
    session.print(`The daemon of ${status.home} is not running. The next command that needs it starts it.`);
    return;
  }
  session.printPairs([
    ['daemon', `process ${status.pid ?? '?'}, version ${status.version ?? '?'}`],
    ['started', status.startedAt ?? '-'],
    ['machines', `${status.machines ?? '?'}, ${status.runningMachines ?? '?'} of them running`],
    ['memory', status.rssBytes === null ? '-' : formatSize(status.rssBytes)],
    ['home', status.home],
    ['socket', status.socket],
  ]);
}

export function define(program: Command, session: Session): void {
  const daemon = program
    .command('daemon')
    .description(
      'The daemon manages the machines. It starts when a command needs it and exits when it is idle.',
    )
    .addHelpText('after', examples('kame daemon status', 'kame daemon run'));
  daemon
    .command('run')
    .description('Runs the daemon in the foreground until Ctrl-C. It logs JSON, one object per line.')
    .addHelpText('after', examples('kame daemon run'))
    .action(async () => await session.context.runDaemon(['--home', session.passiveClient().home]));
  daemon
    .command('start')
    .description('Starts the daemon in the background, unless it is already running.')
    .option('--json', jsonShape('DaemonStatus'))
    .addHelpText('after', examples('kame daemon start'))
    .action(async () => print(session, await session.client.daemon.status()));
  daemon
    .command('stop')
    .description('Stops the daemon. Machines keep running, and the next daemon takes them over.')
    .option('--json', jsonShape('DaemonStatus'))
    .addHelpText('after', examples('kame daemon stop'))
    .action(async () => {
      const client = session.passiveClient();
      const stopped = await client.stopDaemon({ signal: session.signal });
      if (session.json) print(session, await client.daemonStatus());
      else
        session.print(
          stopped ? 'The daemon has stopped. Machines keep running.' : 'The daemon was not running.',
        );
    });
  daemon
    .command('status')
    .description('Shows whether the daemon is running, without starting it.')
    .option('--json', jsonShape('DaemonStatus'))
    .addHelpText('after', examples('kame daemon status', 'kame daemon status --json | jq .pid'))
    .action(async () => print(session, await session.passiveClient().daemonStatus()));
}
