import { constants } from 'node:os';
import type { Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { formatDuration, formatSize } from '../../core/units.ts';
import { machineText, userOption, waitForGuest } from '../guest-options.ts';
import { examples, given, integer, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

function definePs(parent: Command, session: Session): void {
  parent
    .command('ps')
    .summary('list the processes in the guest')
    .description(
      'Lists the processes in the guest. Through the guest agent, the words of commands are not shown.',
    )
    .argument('<name>', machineText)
    .option('--json', jsonShape('GuestProcesses'))
    .addHelpText('after', examples('kame guest ps demo', 'kame guest ps demo --json | jq .processes'))
    .action(async (name) => {
      const { signal } = session;
      const reply = session.client.guestProcesses.list(session.machine(name), { signal });
      const { processes, more } = await waitForGuest(session, name, reply);
      if (session.json) {
        session.printJson({ processes, more });
        return;
      }
      session.printTable(
        ['PID', 'USER', 'STATE', 'MEMORY', 'CPU', 'STARTED', 'COMMAND'],
        processes.map((each) => [
          { text: String(each.pid), align: 'right' as const },
          each.user,
          each.state,
          { text: formatSize(each.memoryBytes), align: 'right' as const },
          { text: formatDuration(each.cpuMs), align: 'right' as const },
          each.started.slice(0, 19).replace('T', ' '),
          (each.command ?? '') === '' ? `[${each.name}]` : (each.command ?? ''),
        ]),
      );
      if (more) session.note(`There are more: only ${processes.length} are listed.`);
    });
}

const lastSignal = 64;
/** Those that have the same number in Linux and on any host. */
const signalNames = ['HUP', 'INT', 'QUIT', 'KILL', 'TERM', 'ALRM', 'PIPE'] as const;
/** Other numbers on macOS. */
const linuxSignals = new Map([
  ['USR1', 10],
  ['USR2', 12],
  ['CHLD', 17],
  ['CONT', 18],
  ['STOP', 19],
  ['TSTP', 20],
  ['WINCH', 28],
]);

/** The number of a signal in Linux. @throws KameError USAGE */
function signalNumber(text: string): number {
  if (/^\d+$/u.test(text)) return integer('--signal', 1, lastSignal)(text);
  const name = text.toUpperCase().replace(/^SIG/u, '');
  const same = signalNames.find((each) => each === name);
  const number = same ? constants.signals[`SIG${same}`] : linuxSignals.get(name);
  if (number !== undefined) return number;
  const known = [...signalNames, ...linuxSignals.keys()].join(', ');
  throw new KameError('USAGE', `--signal is "${text}", which is neither a number nor one of ${known}.`);
}

function defineKill(parent: Command, session: Session): void {
  parent
    .command('kill')
    .summary('send a signal to processes in the guest')
    .description('Sends a signal to processes in the guest, which ends them if they do not handle it.')
    .argument('<name>', machineText)
    .argument('<pid...>', 'numbers of processes; kame guest ps lists them')
    .option('-s, --signal <signal>', 'name or number of the signal (default: TERM)', signalNumber)
    .option(...userOption)
    .option('--json', jsonShape('{name, pids, signal}'))
    .addHelpText('after', examples('kame guest kill demo 412', 'kame guest kill demo 412 413 -s KILL'))
    .action(async (name, pids, { signal: number = constants.signals.SIGTERM, user }) => {
      const highest = 999_999_999;
      const numbers = pids.map(integer('The number of a process', 1, highest));
      const { signal } = session;
      for (const pid of numbers) {
        const body = { pid, signal: number, ...given({ user }) };
        const reply = session.client.guestProcesses.kill(session.machine(name), body, { signal });
        await waitForGuest(session, name, reply);
        if (!session.json) session.print(`${name}: signal ${number} was sent to process ${pid}`);
      }
      if (session.json) session.printJson({ name, pids: numbers, signal: number });
    });
}

/** The verbs of `kame guest` for processes. */
export function defineProcesses(parent: Command, session: Session): void {
  definePs(parent, session);
  defineKill(parent, session);
}
