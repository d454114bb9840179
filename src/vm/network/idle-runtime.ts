import type { NetworkRuntime } from '../host/network-runtime.ts';
import type { MakeNetworks } from '../host/host.ts';

/** A runtime in which no network runs: forwards wait. */
export const idleNetworks: MakeNetworks = ({ networkStore }): NetworkRuntime => ({
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
});
