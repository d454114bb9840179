import type { AddForward, NetworkForward } from '../api/generated/shapes.ts';
import type { Client } from '../client/core/client.ts';
import type { CallOptions } from '../client/core/options.ts';

/** Makes a forward that was removed as it was, if its target is still known. */
async function putBack(client: Client, network: string, old: NetworkForward): Promise<void> {
  const { transport, hostPort, guestPort, bind } = old;
  const target = old.machineId ?? old.address;
  if (target === null) return;
  await client.networks.addForward(network, { transport, hostPort, guestPort, bind, target });
}

/** Adds a forward, or changes the one of that port, which stays as it was if that fails. @throws KameError */
export async function putForward(
  client: Client,
  network: string,
  forward: AddForward,
  options: CallOptions,
): Promise<void> {
  const { transport, hostPort } = forward;
  const forwards = await client.networks.forwards(network, options);
  const old = forwards.find((each) => each.transport === transport && each.hostPort === hostPort);
  if (old) await client.networks.removeForward(network, transport, String(hostPort), {}, options);
  try {
    await client.networks.addForward(network, forward, options);
  } catch (error) {
    if (old) await putBack(client, network, old);
    throw error;
  }
}
