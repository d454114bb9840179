import { receiveMachine } from '../../src/vm/import/upload.ts';
import { guestAtLogin } from './fake-engine/guest.ts';
import type { OvaFile } from './ova.ts';
import type { World } from './world.ts';

const silent = { ready: () => undefined, received: () => undefined };

/** Uploads files, or the first bytes of them. @returns what an import takes for its path */
export async function sendFiles(world: World, files: readonly OvaFile[], most = Infinity): Promise<string> {
  // The small guest shows how fast others are.
  world.engines.guest = guestAtLogin;
  const all = Buffer.concat(files.map(({ content }) => content));
  async function* chunks(): AsyncGenerator<Buffer> {
    yield await Promise.resolve(all.subarray(0, most));
  }
  const list = files.map(({ name, content }) => ({ path: name, sizeBytes: content.length, modifiedMs: 1 }));
  return await receiveMachine(world.host, list, chunks(), silent);
}
