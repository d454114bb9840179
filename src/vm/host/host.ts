import { join } from 'node:path';
import { ImageCache, type BuildTiny } from '../../image/cache.ts';
import type { Capabilities } from '../../qemu/capabilities/capabilities.ts';
import { BundleCache, type Bundle } from '../../store/bundle.ts';
import { Inventory } from '../../store/inventory.ts';
import type { Journal } from '../../store/journal.ts';
import { homeNames, type HomeNames } from '../../store/names.ts';
import { Networks } from '../../store/networks.ts';
import type { CopyThreads } from '../../sys/copy-threads.ts';
import { realPathSync } from '../../sys/home.ts';
import { hostSubnets } from '../../sys/host-subnets.ts';
import type { Inflater } from '../../sys/inflate-threads.ts';
import { EventBus } from './events.ts';
import type { NetworkRuntime } from './network-runtime.ts';
import { Operations } from './operations.ts';
import { RunningMachines, type Running } from './running.ts';
import { WatchedMap } from './watched-map.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every use case works on: one home directory and its machines. The facts are on disk and in the engines. */
export interface Host {
  readonly names: HomeNames;
  readonly env: Environment;
  readonly inventory: Inventory;
  readonly bundles: BundleCache;
  readonly images: ImageCache;
  /** The configuration of the networks. */
  readonly networkStore: Networks;
  /** The networks that run. */
  readonly networks: NetworkRuntime;
  readonly running: RunningMachines;
  /** Machines whose engine runs but could not be adopted, by the path of their `.vmx`, with the reason. */
  readonly unreachable: WatchedMap<string, string>;
  /** The machines that are being started, by what only one running machine may have: its UUID, its MAC addresses. */
  readonly starting: Map<string, Bundle>;
  readonly operations: Operations;
  readonly events: EventBus;
  readonly log: (message: string, details?: Record<string, unknown>) => void;
  readonly hooks: Hooks;
  readonly recovery: RecoveryTable;
  readonly startCopyThreads: StartCopyThreads;
  readonly startInflater: StartInflater;
  /** Capabilities of engines, by a key that identifies the build. */
  readonly engines: Map<string, Capabilities>;
}

/** Starts threads that copy memory; the caller disposes of them. */
export type StartCopyThreads = () => Promise<CopyThreads>;

/** Starts threads that decompress; the caller disposes of them. */
export type StartInflater = () => Promise<Inflater>;

/** Reactions to events, set by the program that runs the host. */
export interface Hooks {
  /**
   * The guest of a restored machine has reset itself, which ended its engine: start the machine again, on the host that
   * started it.
   */
  onReset?: (machine: Running, host: Host) => void;
  /** Milliseconds that a machine has run and that its `.vmsd` does not include yet. */
  unsavedRunMs?: (vmx: string) => number;
}

export type JournalOf<Kind extends Journal['kind']> = Extract<Journal, { kind: Kind }>;

export interface SettleOptions {
  /** The operation has just failed in this process: undo it instead of trying again. */
  readonly failed?: boolean;
}

/**
 * Finishes the operation that a journal describes, or undoes it. Every step can be repeated.
 * @throws KameError the reason why neither is possible; the journal stays, and the next command tries again
 */
export type Recover<Kind extends Journal['kind']> = (
  host: Host,
  bundle: Bundle,
  journal: JournalOf<Kind>,
  options: SettleOptions,
) => Promise<void>;

/** The recovery of each kind of journal, which belongs to the feature that writes it. */
export type RecoveryTable = { readonly [Kind in Journal['kind']]: Recover<Kind> };

export interface HostOptions {
  readonly home: string;
  readonly env: Environment;
  readonly log: Host['log'];
  /** Builds the embedded image. */
  readonly buildTiny: BuildTiny;
  readonly startCopyThreads: StartCopyThreads;
  readonly startInflater: StartInflater;
  readonly recovery: RecoveryTable;
  readonly makeNetworks: MakeNetworks;
}

/** Makes the runtime of the networks of a host, which must not be used before the host is complete. */
export type MakeNetworks = (host: Omit<Host, 'networks'>) => NetworkRuntime;

export function createHost(options: HostOptions): Host {
  const { home, env, log, buildTiny, startCopyThreads, startInflater, recovery, makeNetworks } = options;
  const found = homeNames(home);
  // The directory of machines may be a link to another disk.
  const names = { ...found, machines: realPathSync(found.machines) };
  const host: Omit<Host, 'networks'> = {
    names,
    env,
    inventory: new Inventory(names),
    bundles: new BundleCache(),
    images: new ImageCache({
      directory: names.images,
      catalogue: names.catalogue,
      cacheDir: join(names.cache, 'debian'),
      buildTiny,
    }),
    networkStore: new Networks({ path: names.networks, hostSubnets }),
    running: new RunningMachines(),
    unreachable: new WatchedMap(),
    starting: new Map(),
    operations: new Operations(),
    events: new EventBus(),
    log,
    hooks: {},
    recovery,
    startCopyThreads,
    startInflater,
    engines: new Map(),
  };
  return { ...host, networks: makeNetworks(host) };
}
