import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pause } from '../../core/deadline.ts';
import { NatMonitor } from '../../qemu/network/nat-monitor.ts';
import type { NatPlan } from '../../qemu/network/nat-plan.ts';
import { SwitchClient } from '../../network/switch-client.ts';
import type { NetworkRunNames } from '../../store/names.ts';
import { isAlive } from '../../sys/process-identity.ts';
import { adoptCompanions, endCompanion, startCompanion, type Companion } from '../companion/companion.ts';

/** Milliseconds that a process of a network has to listen and to answer. */
const startMs = 10_000;
/** Milliseconds between looks at a process that does not answer. */
const lookMs = 50;

/** The program of the switch, as node runs it. */
export interface SwitchProgram {
  readonly command: string;
  readonly args: readonly string[];
}

export interface RunningSwitch {
  readonly pid: number;
  readonly client: SwitchClient;
}

export interface RunningNat {
  readonly pid: number;
  readonly monitor: NatMonitor;
  /** Of its options: a NAT with others must be started again. */
  readonly planKey: string;
  /** Started by this call, so without any forwards. */
  readonly fresh: boolean;
}

const switchName = 'switch';

/**
 * The environment of a switch. Node reads the certificates that a host adds to its own before it does anything, which can take
 * longer than the rest of its start; a switch speaks to nobody who has one.
 */
const switchEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, NODE_EXTRA_CA_CERTS: '' });

/**
 * Watches a process until this is disposed. One that was killed closes its sockets a moment before it is gone: it is still found
 * then, and nothing would ever answer on its socket.
 */
function endOf({ process }: Companion): { readonly ended: Promise<void> } & Disposable {
  const stop = new AbortController();
  const watch = async () => {
    do await pause(lookMs, stop.signal);
    while (!stop.signal.aborted && (await isAlive(process)));
  };
  return { ended: watch(), [Symbol.dispose]: () => stop.abort() };
}

/** A text for the options of a NAT. */
export function planKeyOf(plan: NatPlan): string {
  return createHash('sha256').update(JSON.stringify(plan.args)).digest('hex').slice(0, 8);
}

/**
 * The processes of a network that run. Asked once before both are started side by side: asking removes the records of
 * those that do not run, and a process that is being started looks like one.
 */
export async function processesOf(names: NetworkRunNames): Promise<Companion[]> {
  for (const each of [names.directory, dirname(names.leases)])
    await mkdir(each, { recursive: true, mode: 0o700 });
  return await adoptCompanions(names.directory);
}

/** The switch of a network: the one that runs, or a new one. @throws KameError as startCompanion */
export async function ensureSwitch(
  names: NetworkRunNames,
  running: readonly Companion[],
  network: string,
  program: SwitchProgram,
  signal: AbortSignal,
): Promise<RunningSwitch> {
  const limits = { deadlineMs: startMs, signal };
  const companion = running.find(({ name }) => name === switchName);
  if (companion) {
    using end = endOf(companion);
    const client = await SwitchClient.open(names.control, network, { ...limits, stop: end.ended });
    return { pid: companion.process.pid, client };
  }
  await rm(names.control, { force: true });
  const { process: started, connection } = await startCompanion(
    names.directory,
    {
      name: switchName,
      command: program.command,
      args: [...program.args, names.control, names.leases],
      mark: [names.control],
      socket: names.control,
      logFile: names.switchLog,
      env: switchEnvironment(),
    },
    limits,
  );
  return { pid: started.pid, client: new SwitchClient(connection, network) };
}

/**
 * The NAT of a network with the options of a plan: the one that runs, or a new one. Those with other options are ended.
 * @throws KameError as startCompanion
 */
export async function ensureNat(
  names: NetworkRunNames,
  running: readonly Companion[],
  plan: NatPlan,
  signal: AbortSignal,
): Promise<RunningNat> {
  const planKey = planKeyOf(plan);
  const name = natName(planKey);
  const limits = { deadlineMs: startMs, signal };
  await endOtherNats(names, running, planKey);
  const companion = running.find((each) => each.name === name);
  if (companion) {
    using end = endOf(companion);
    const monitor = await NatMonitor.open(plan.monitor, { ...limits, stop: end.ended });
    return { pid: companion.process.pid, monitor, planKey, fresh: false };
  }
  const { process: started, connection } = await startCompanion(
    names.directory,
    {
      name,
      command: plan.binary,
      args: plan.args,
      mark: ['-qmp', plan.args[plan.args.indexOf('-qmp') + 1] ?? ''],
      socket: plan.monitor,
      logFile: names.natLog,
    },
    limits,
  );
  return { pid: started.pid, monitor: await NatMonitor.over(connection, limits), planKey, fresh: true };
}

function natName(planKey: string): string {
  return `nat-${planKey}`;
}

/** Ends the NAT processes with other options than wanted. @param keep the key of the plan that stays, if any */
export async function endOtherNats(
  names: NetworkRunNames,
  running: readonly Companion[],
  keep: string | null,
): Promise<void> {
  for (const { name } of running) {
    const stays = keep !== null && name === natName(keep);
    if (name.startsWith('nat-') && !stays) await endCompanion(names.directory, name);
  }
}
