import type { BuildTiny } from '../../src/image/cache.ts';
import type { CopyThreads } from '../../src/sys/copy-threads.ts';
import { createHost, type Environment, type Host, type MakeNetworks } from '../../src/vm/host/host.ts';
import { recoveryTable } from '../../src/vm/recovery/table.ts';
import { idleNetworks } from './idle-networks.ts';
import { inlineInflater } from './inline-inflater.ts';

export interface TestHostOptions {
  readonly home: string;
  readonly env?: Environment;
  /** Directory for the RAM of guests; by default where the home has it. */
  readonly ram?: string;
  readonly log?: Host['log'];
  /** By default no image can be built. */
  readonly buildTiny?: BuildTiny;
  /** By default no threads can be had. */
  readonly startCopyThreads?: () => Promise<CopyThreads>;
  /** By default no network runs. */
  readonly makeNetworks?: MakeNetworks;
}

const noImage: BuildTiny = async () => await Promise.reject(new Error('Nothing here builds an image.'));
const noThreads = async () => await Promise.reject(new Error('Nothing here copies memory.'));

/** The one place where tests make a host. */
export function testHost({
  home,
  ram,
  env = process.env,
  log = () => undefined,
  buildTiny = noImage,
  startCopyThreads = noThreads,
  makeNetworks = idleNetworks,
}: TestHostOptions): Host {
  const recovery = recoveryTable;
  const startInflater = async () => await Promise.resolve(inlineInflater);
  const threads = { startCopyThreads, startInflater };
  const host = createHost({ home, env, log, buildTiny, ...threads, recovery, makeNetworks });
  return ram === undefined ? host : { ...host, names: { ...host.names, ram } };
}
