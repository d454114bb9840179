import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pause } from '../../src/core/deadline.ts';
import { KameError, messageOf } from '../../src/core/errors.ts';
import { homeNames, runNames } from '../../src/store/names.ts';
import { builtIn, type TestHome } from '../support/home.ts';
import { FileEvents, type Moment } from './moment.ts';
import type { Planned } from './operations.ts';
import { enginesNow, killNow, untilGone, type Victim } from './victims.ts';
import { Violation } from './violation.ts';

/** How the operation ended for whoever asked for it. */
export type Ending =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'cut' };

export interface Struck {
  /** Milliseconds from the request to the kill; null when nothing was killed. */
  readonly killedAtMs: number | null;
  /** Whether the operation had ended before. */
  readonly after: boolean;
  readonly ending: Ending;
  readonly killed: readonly number[];
  /** Whether the machine's own engine was among them. */
  readonly engineKilled: boolean;
  readonly ms: number;
  readonly events: number;
}

export interface Blow {
  readonly victims: readonly Victim[];
  readonly moment: Moment;
  /** Which of several engines: 0 up to 1; all of them from 0.8 on. */
  readonly which: number;
}

/** Longer than any operation; one that does not end then hangs. */
const hangMs = 180_000;

interface Asked {
  readonly ended: Promise<Ending>;
  /** Of the command, when there is one. */
  readonly pid: number | undefined;
}

function byApi(planned: Planned, home: TestHome): Asked {
  const ended = planned.call(home.client()).then(
    (): Ending => ({ kind: 'done' }),
    (error: unknown): Ending => {
      const cut = error instanceof KameError && error.code === 'DAEMON_UNREACHABLE';
      return cut ? { kind: 'cut' } : { kind: 'failed', message: messageOf(error) };
    },
  );
  return { ended, pid: undefined };
}

function byCommand(planned: Planned, home: TestHome): Asked {
  const child = spawn(process.execPath, [join(builtIn, 'kame.cjs'), ...planned.args], {
    env: { ...process.env, ...home.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  const ended = once(child, 'close').then(([code, signal]): Ending => {
    if (signal !== null) return { kind: 'cut' };
    return code === 0 ? { kind: 'done' } : { kind: 'failed', message: words.trim() };
  });
  return { ended, pid: child.pid };
}

function enginesOf(home: string, which: number): { pids: number[]; args: string[] } {
  const engines = enginesNow(home);
  const chosen =
    which >= 0.8 ? engines : engines.slice(Math.floor((which / 0.8) * engines.length)).slice(0, 1);
  return { pids: chosen.map(({ pid }) => pid), args: chosen.flatMap(({ args }) => args) };
}

/** Does an operation and kills whom the blow says, in its moment or, at the latest, when the operation has just ended. */
export async function strike(
  planned: Planned,
  blow: Blow,
  home: TestHome,
  machine: { readonly vmx: string; readonly daemon: number },
): Promise<Struck> {
  const names = homeNames(home.path);
  const run = runNames(names, machine.vmx).directory;
  const bundle = join(machine.vmx, '..');
  const { victims, moment } = blow;
  let struck: { at: number; pids: number[]; engine: boolean } | undefined;
  let over = false;
  const asked: { pid?: number | undefined; at: number } = { at: performance.now() };
  const kill = () => {
    if (struck || victims.length === 0) return;
    const engines = victims.includes('engine') ? enginesOf(home.path, blow.which) : { pids: [], args: [] };
    const daemon = victims.includes('daemon') ? [machine.daemon] : [];
    const command = victims.includes('command') && !over && asked.pid !== undefined ? [asked.pid] : [];
    const pids = [...command, ...daemon, ...engines.pids];
    killNow(pids);
    struck = { at: performance.now() - asked.at, pids, engine: engines.args.includes(join(run, 'pid')) };
  };
  const late = new AbortController();
  const killLater = (ms: number) => {
    if (ms <= 0) kill();
    else void pause(ms, late.signal).then(() => (late.signal.aborted ? undefined : kill()));
  };
  using files = new FileEvents(
    [bundle, join(bundle, 'checkpoints'), names.machines, names.run, run, names.ram],
    (count) => {
      if (moment.kind === 'event' && count === moment.index) killLater(moment.ms);
    },
  );
  const way = victims.includes('command') ? byCommand(planned, home) : byApi(planned, home);
  asked.pid = way.pid;
  if (moment.kind === 'time') killLater(moment.ms);
  const hang = new AbortController();
  const ending = await Promise.race([way.ended, pause(hangMs, hang.signal).then(() => undefined)]);
  hang.abort();
  const ms = performance.now() - asked.at;
  if (ending === undefined)
    throw new Violation('hang', `${planned.name} has not ended after ${hangMs / 1000} s`);
  over = true;
  const after = struck === undefined;
  late.abort();
  kill();
  const { count } = files;
  const { at = null, pids = [], engine = false } = (struck ?? {}) as Partial<NonNullable<typeof struck>>;
  await untilGone(pids);
  return { killedAtMs: at, after, ending, killed: pids, engineKilled: engine, ms, events: count };
}
