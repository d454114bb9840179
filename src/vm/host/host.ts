import { join } from 'node:path';
import { ImageCache, type BuildTiny } from '../../image/cache.ts';
import type { Capabilities } from '../../qemu/capabilities/capabilities.ts';
import { BundleCache, type Bundle } from '../../store/bundle.ts';
import { Inventory } from '../../store/inventory.ts';
import type { Journal } from '../../store/journal.ts';
import { homeNames, type HomeNames } from '../../store/names.ts';
import type { CopyThreads } from '../../sys/copy-threads.ts';
import { EventBus } from './events.ts';
import { Operations } from './operations.ts';
import { RunningMachines, type Running } from './running.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every use case works on: one home directory and what is known of it. Truth is on disk and in the engines. */
export interface Host {
  readonly names: HomeNames;
  readonly env: Environment;
  readonly inventory: Inventory;
  readonly bundles: BundleCache;
  readonly images: ImageCache;
  readonly running: RunningMachines;
  readonly operations: Operations;
  readonly events: EventBus;
  readonly log: (message: string, details?: Record<string, unknown>) => void;
  readonly hooks: Hooks;
  readonly recovery: RecoveryTable;
  readonly startCopyThreads: StartCopyThreads;
  /** What engines can do, by what tells one build from another: read from the cache on disk once. */
  readonly engines: Map<string, Capabilities>;
}

/** Starts threads that copy memory; whoever calls it disposes them. */
export type StartCopyThreads = () => Promise<CopyThreads>;

/** What is to be done at events, set by whoever runs the host. */
export interface Hooks {
  /** The guest of a restored machine has reset itself, which ended its engine: it must be started anew. */
  onReset?: (machine: Running) => void;
  /** Milliseconds that the machine of a `.vmx` has run and that its AutoProtect clock on disk does not have yet. */
  unsavedRunMs?: (vmx: string) => number;
}

export type JournalOf<Kind extends Journal['kind']> = Extract<Journal, { kind: Kind }>;

export interface SettleOptions {
  /** The operation failed just now, in this process: what could not be done is not tried again, but undone. */
  readonly failed?: boolean;
}

/**
 * Ends what a journal says was begun with a machine: finishes it if possible, else undoes it. Every step can be done again.
 * @throws KameError what stands in the way; the journal stays, and the next command tries again
 */
export type Recover<Kind extends Journal['kind']> = (
  host: Host,
  bundle: Bundle,
  journal: JournalOf<Kind>,
  options: SettleOptions,
) => Promise<void>;

/** Who recovers what: each feature owns the recovery of its own kind of journal. */
export type RecoveryTable = { readonly [Kind in Journal['kind']]: Recover<Kind> };

export interface HostOptions {
  readonly home: string;
  readonly env: Environment;
  readonly log: Host['log'];
  /** Builds the embedded image. */
  readonly buildTiny: BuildTiny;
  readonly startCopyThreads: StartCopyThreads;
  readonly recovery: RecoveryTable;
}

export function createHost(options: HostOptions): Host {
  const { home, env, log, buildTiny, startCopyThreads, recovery } = options;
  const names = homeNames(home);
  return {
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
    running: new RunningMachines(),
    operations: new Operations(),
    events: new EventBus(),
    log,
    hooks: {},
    recovery,
    startCopyThreads,
    engines: new Map(),
  };
}
