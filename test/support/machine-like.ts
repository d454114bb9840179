import type { Machine } from '../../src/api/machine.ts';

/** A machine as the list shows it, stopped unless said otherwise. */
export function machineLike(more: Partial<Machine> & Pick<Machine, 'name'>): Machine {
  return {
    id: more.name,
    path: `/m/${more.name}.vmx`,
    state: 'stopped',
    reason: null,
    folder: '',
    guestOS: 'arm-debian12-64',
    arch: 'aarch64',
    accelerator: null,
    cpus: 1,
    memoryBytes: 1,
    ip: null,
    agent: false,
    ...more,
  };
}
