import type { MakeNetworks } from '../../src/vm/host/host.ts';

/** A runtime in which no network runs. */
export const idleNetworks: MakeNetworks = () => ({
  machineChanged: () => undefined,
  machineEnded: () => undefined,
  connected: () => Promise.resolve([]),
  changed: () => Promise.resolve(),
  status: () =>
    Promise.resolve({
      running: false,
      switchPid: null,
      natPid: null,
      ports: [],
      leases: [],
      forwards: [],
      trouble: null,
    }),
  adopted: () => Promise.resolve(),
  detach: () => Promise.resolve(),
});
