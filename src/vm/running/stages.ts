import { messageOf } from '../../core/errors.ts';
import { desktopAgentPort, desktopToolsPort } from '../../qemu/plan/channels.ts';
import { watchConsoleStages } from '../engine/console-stages.ts';
import type { Host } from '../host/host.ts';
import type { Milestone } from '../host/milestones.ts';
import type { Running } from '../host/running.ts';
import { recordTiming, type TimingName } from './timing.ts';

/**
 * A guest has reached a stage now.
 * @param timed false if nobody knows when it did
 */
export function reach(host: Host, machine: Running, milestone: Milestone, timed = true): void {
  // A daemon that has detached from the engine has nothing more to record: the next one does.
  if (host.running.get(machine.names.vmx) !== machine) return;
  const ms = Date.now() - Date.parse(machine.record.startedAt);
  machine.milestones.mark(milestone);
  if (!timed) return;
  const which: TimingName = `${milestone}Ms`;
  recordTiming(machine, which, ms).catch((error: unknown) => {
    host.log('Could not record a stage', { machine: machine.name, milestone, reason: messageOf(error) });
  });
}

/** Those that a program in the guest opens when a graphical session is active. */
const desktopPorts: ReadonlySet<string> = new Set([desktopAgentPort.id, desktopToolsPort.id]);

/**
 * Watches for the stages of a launched machine that show on its console, and for its desktop, whose agents open a
 * port (spice-vdagentd and kame-tools do so when a graphical session is active). The console of a restored guest has shown its stages
 * before.
 */
export function watchStages(host: Host, machine: Running): void {
  const ended = new AbortController();
  void machine.ended.then(() => ended.abort());
  const timed = machine.record.restored === 'no';
  const onStage = (stage: Milestone) => reach(host, machine, stage, timed);
  watchConsoleStages(machine.names.serialLog, { signal: ended.signal, onStage }).catch((error: unknown) => {
    host.log('Could not watch a console', { machine: machine.name, reason: messageOf(error) });
  });
  machine.engine.qmp.on('VSERPORT_CHANGE', (port) => {
    if (desktopPorts.has(port.id) && port.open) onStage('desktop');
  });
}
