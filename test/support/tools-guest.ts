import { usualGuest, type GuestOptions } from './fake-engine/guest.ts';
import { goodHello } from './fake-tools.ts';
import type { World } from './world.ts';

/** A machine that runs, whose guest is like that. */
export async function startGuest(world: World, options: Partial<GuestOptions>) {
  world.machine();
  world.engines.guest = { ...usualGuest, ...options };
  return await world.start('demo', options.agent === 'none' ? {} : { wait: 'agent' });
}

/** A hello that is nonsense before that connection. */
export function goodFrom(connection: number): () => object {
  let connections = 0;
  return () => ((connections += 1) < connection ? Buffer.from('{') : goodHello);
}
