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
    session.print(`No daemon runs in ${status.home}. The next command that needs one starts it.`);
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
    .summary('run, start, stop or look at the daemon')
    .description('The daemon owns the machines. It starts when it is needed and ends when nothing needs it.')
    .addHelpText('after', examples('kame daemon status', 'kame daemon run'));
  daemon
    .command('run')
    .description('Runs the daemon in the foreground, until Ctrl-C. It logs JSON lines.')
    .addHelpText('after', examples('kame daemon run'))
    .action(async () => await session.context.runDaemon(['--home', session.passiveClient().home]));
  daemon
    .command('start')
    .description('Starts the daemon in the background, unless it runs.')
    .option('--json', jsonShape('DaemonStatus'))
    .addHelpText('after', examples('kame daemon start'))
    .action(async () => print(session, await session.client.daemon.status()));
  daemon
    .command('stop')
    .description('Ends the daemon. Machines go on running; the next daemon takes them over.')
    .option('--json', jsonShape('DaemonStatus'))
    .addHelpText('after', examples('kame daemon stop'))
    .action(async () => {
      const client = session.passiveClient();
      const stopped = await client.stopDaemon({ signal: session.signal });
      if (session.json) print(session, await client.daemonStatus());
      else
        session.print(stopped ? 'The daemon has ended. Machines go on running.' : 'No daemon was running.');
    });
  daemon
    .command('status')
    .description('Tells whether the daemon runs. It is not started for that.')
    .option('--json', jsonShape('DaemonStatus'))
    .addHelpText('after', examples('kame daemon status', 'kame daemon status --json | jq .pid'))
    .action(async () => print(session, await session.passiveClient().daemonStatus()));
}
