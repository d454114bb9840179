import { placeText } from '../../src/model/network-forward.ts';
import type { Host } from '../../src/vm/host/host.ts';
import type { NetworkStatus } from '../../src/vm/host/network-runtime.ts';

/** What a test has said of the networks that run. */
export interface FakeNetworks {
  /** The host, with these networks. */
  readonly host: Host;
  /** The names with which it was told of a change, in order. */
  readonly changed: string[];
  /** Forwards that listen or have failed, by `tcp 127.0.0.1:8080`; the reason of a failure. */
  readonly listening: Set<string>;
  readonly failed: Map<string, string>;
  /** Everything else that the status of a network says. */
  status: Partial<NetworkStatus>;
}

/** A host whose networks do not run, and say what a test wants. */
export function fakeNetworks(base: Host): FakeNetworks {
  const fake = {
    changed: [] as string[],
    listening: new Set<string>(),
    failed: new Map<string, string>(),
    status: {} as Partial<NetworkStatus>,
  };
  const networks: Host['networks'] = {
    ...base.networks,
    changed: async (name) => {
      fake.changed.push(name);
      await Promise.resolve();
    },
    status: async (name) => {
      const usual = await base.networks.status(name);
      const forwards = usual.forwards.map((one) => {
        const place = placeText(one.forward);
        const reason = fake.failed.get(place);
        if (reason !== undefined) return { ...one, state: 'failed' as const, reason };
        return fake.listening.has(place) ? { ...one, state: 'listening' as const } : one;
      });
      return { ...usual, forwards, ...fake.status };
    },
  };
  return Object.assign(fake, { host: { ...base, networks } });
}
