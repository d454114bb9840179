import type { Host } from '../host/host.ts';

/** After a change of networks.json: the network that runs gets it, and everyone who listens is told. */
export async function applied(host: Host, name: string, message: string): Promise<void> {
  host.events.emit({ type: 'network.changed', machine: null, id: null, state: null, message });
  await host.networks.changed(name);
}
