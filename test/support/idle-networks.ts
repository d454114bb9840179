import type { MakeNetworks } from '../../src/vm/host/host.ts';

/** A runtime in which no network runs: forwards wait. */
export const idleNetworks: MakeNetworks = ({ networkStore }) => ({
  machineEnded: () => undefined,
  connected: () => Promise.resolve([]),
  changed: () => Promise.resolve(),
  machineChanged: () => Promise.resolve(),
  status: async (name) => {
    const { forwards } = await networkStore.get(name);
    return {
      running: false,
      switchPid: null,
      natPid: null,
      ports: [],
      leases: [],
      forwards: forwards.map((forward) => ({ forward, state: 'waiting', reason: null })),
      trouble: null,
    };
  },
  traffic: () => Promise.resolve(new Map()),
  adopted: () => Promise.resolve(),
  detach: () => Promise.resolve(),
});
