import { deferred } from '../../core/deferred.ts';
import { messageOf } from '../../core/errors.ts';
import { ClockKeeper } from '../../guest/identity/clock-keeper.ts';
import { endText } from '../../qemu/engine-death.ts';
import type { Engine } from '../../qemu/launch.ts';
import { toolsPort } from '../../qemu/plan/channels.ts';
import { socketsIn } from '../../qemu/plan/sockets.ts';
import { appendLog } from '../../store/bundle.ts';
import type { MachineNames, RunNames } from '../../store/names.ts';
import { removeEngineRam } from '../../store/ram-place.ts';
import type { RunRecord } from '../../store/run-record.ts';
import { ensureGone } from '../companion/end.ts';
import { hostOs } from '../engine/engine.ts';
import { closeChannels, openChannels } from '../host/channels.ts';
import type { Host } from '../host/host.ts';
import { Milestones } from '../host/milestones.ts';
import type { NewClone, Running } from '../host/running.ts';
import { watchAgent } from './agent-watch.ts';
import { deathOf, repairAfterCrash } from './crash.ts';
import { watchGuestInfo } from './guest-info.ts';
import { watchTime } from './guest-time.ts';
import { watchDesktopAgents } from './desktop-agents.ts';
import { watchNics } from './nics.ts';
import { watchShares } from './shares.ts';
import { watchStatus } from './status-watch.ts';
import { removeTraces } from './traces.ts';

/** Milliseconds that an engine has to exit after its monitor has closed. */
const exitDeadlineMs = 10_000;

export interface TrackOptions {
  readonly names: MachineNames;
  readonly run: RunNames;
  readonly name: string;
  readonly id: string;
  readonly engine: Engine;
  readonly record: RunRecord;
  readonly state: 'running' | 'paused';
  readonly trouble?: string | null;
  readonly newClone?: NewClone | undefined;
}

/** Adds a running engine to the running machines and watches its status, its guest agent and its end. */
export function track(host: Host, options: TrackOptions): Running {
  const sockets = socketsIn(options.run.directory, hostOs());
  const channels = openChannels(sockets);
  const end = deferred();
  const machine: Running = {
    ...options,
    trouble: options.trouble ?? null,
    newClone: options.newClone ?? null,
    channels,
    vncSocket: sockets.vnc,
    agentAnswers: false,
    savedAddresses: {},
    ip: null,
    clock: new ClockKeeper(channels.agent),
    clockNote: null,
    milestones: new Milestones(),
    recordWritten: Promise.resolve(),
    ended: end.promise,
    shutdown: null,
    death: null,
  };
  host.running.add(machine);
  void host.networks.machineChanged(machine);
  machine.engine.qmp.on('SHUTDOWN', ({ reason }) => (machine.shutdown = reason));
  watchStatus(host, machine);
  watchAgent(host, machine);
  watchTime(host, machine);
  watchDesktopAgents(host, machine);
  watchNics(host, machine);
  watchShares(host, machine);
  watchGuestInfo(host, machine);
  machine.engine.qmp.on('VSERPORT_CHANGE', ({ id, open }) => {
    if (id === toolsPort.id && !open) machine.channels.tools.disconnect();
  });
  void machine.engine.closed.then(async () => {
    try {
      // A daemon that stops detaches from its engines, which keep running.
      if (host.running.get(machine.names.vmx) === machine) await cleanUp(host, machine);
    } catch (error) {
      host.log('Could not clean up after a machine', { machine: machine.name, reason: messageOf(error) });
    } finally {
      end.resolve();
    }
    if (machine.record.resetEnds && machine.shutdown === 'guest-reset') host.hooks.onReset?.(machine, host);
  });
  return machine;
}

async function cleanUp(host: Host, machine: Running): Promise<void> {
  closeChannels(machine.channels);
  host.networks.machineEnded(machine);
  await ensureGone(`The engine of ${machine.name}`, machine.engine.process, exitDeadlineMs);
  if (machine.shutdown === null) {
    // Before its RAM is removed, which tells why.
    if (!machine.engine.killed) machine.death = await deathOf(machine);
    await repairAfterCrash(host, machine.names.vmx);
  }
  // A write that came later would be in the run directory of the next start.
  await machine.recordWritten;
  await removeTraces(host, { ...machine, removeRam: removeEngineRam });
  host.running.remove(machine);
  const told = machine.death ?? endText(machine.name, machine.shutdown);
  if (machine.death !== null) host.log(told, { machine: machine.name });
  await appendLog(machine.names, told);
  host.events.emit({
    type: 'machine.state',
    machine: machine.name,
    id: machine.id,
    state: 'stopped',
    message: told,
  });
}
