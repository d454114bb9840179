import { appendLog } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';

/** Follows the engine's events: the guest is paused or resumed, a disk fails, the guest panics. */
export function watchStatus(host: Host, machine: Running): void {
  const { qmp } = machine.engine;
  const setState = (state: 'running' | 'paused', message: string) => {
    machine.state = state;
    host.events.emit({ type: 'machine.state', machine: machine.name, id: machine.id, state, message });
  };
  qmp.on('STOP', () => setState('paused', `${machine.name} is paused.`));
  qmp.on('RESUME', () => {
    machine.trouble = null;
    setState('running', `${machine.name} is running.`);
  });
  qmp.on('BLOCK_IO_ERROR', (error) => {
    const full = error.nospace === true;
    const what = full
      ? `The host’s disk is full. Free some space, then resume it with kame unpause ${machine.name}; no data is lost.`
      : `A disk ${error.operation} failed: ${error.reason}`;
    void appendLog(machine.names, what);
    if (error.action !== 'stop') return;
    machine.trouble = what;
    setState('paused', `${machine.name} is paused. ${what}`);
  });
  qmp.on('GUEST_PANICKED', () => {
    const message = `The guest of ${machine.name} panicked.`;
    void appendLog(machine.names, message);
    host.events.emit({
      type: 'machine.panicked',
      machine: machine.name,
      id: machine.id,
      state: machine.state,
      message,
    });
  });
}
