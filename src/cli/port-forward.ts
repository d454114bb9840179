import type { AddForward } from '../api/generated/shapes.ts';
import type { Client } from '../client/core/client.ts';
import type { CallOptions } from '../client/core/options.ts';

/** Adds a forward, or changes the one of that port. @throws KameError */
export async function putForward(
  client: Client,
  network: string,
  forward: AddForward,
  options: CallOptions,
): Promise<void> {
  const { transport, hostPort } = forward;
  const forwards = await client.networks.forwards(network, options);
  if (forwards.some((each) => each.transport === transport && each.hostPort === hostPort))
    await client.networks.removeForward(network, transport, String(hostPort), {}, options);
  await client.networks.addForward(network, forward, options);
}
