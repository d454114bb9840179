import { appendLog } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';

/** Follows what the engine says of the machine: paused, going on, a full disk, a panic. */
export function watchStatus(host: Host, machine: Running): void {
  const { qmp } = machine.engine;
  const change = (state: 'running' | 'paused', message: string) => {
    machine.state = state;
    host.events.emit({ type: 'machine.state', machine: machine.name, id: machine.id, state, message });
  };
  qmp.on('STOP', () => change('paused', `${machine.name} is paused.`));
  qmp.on('RESUME', () => {
    machine.trouble = null;
    change('running', `${machine.name} is running.`);
  });
  qmp.on('BLOCK_IO_ERROR', (error) => {
    const full = error.nospace === true;
    const what = full
      ? 'The host’s disk is full. Make room, then kame unpause goes on; nothing is lost.'
      : `A disk error (${error.operation}): ${error.reason}`;
    void appendLog(machine.names, what);
    if (error.action !== 'stop') return;
    machine.trouble = what;
    change('paused', `${machine.name} is paused. ${what}`);
  });
  qmp.on('GUEST_PANICKED', () => {
    const message = `The guest of ${machine.name} has panicked.`;
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
