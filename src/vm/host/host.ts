import { join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { ImageCache, type BuildTiny } from '../../image/cache.ts';
import type { Capabilities } from '../../qemu/capabilities/capabilities.ts';
import { Inventory } from '../../store/inventory.ts';
import { BundleCache } from '../../store/bundle.ts';
import { homeNames, type HomeNames } from '../../store/names.ts';
import type { CopyThreads } from '../../sys/copy-threads.ts';
import { EventBus } from './events.ts';
import { RunningMachines, type Running } from './running.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every use case works on: one home directory and what is known of it. Truth lies on disk and in the engines. */
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
  readonly startCopyThreads: StartCopyThreads;
  /** What engines can do, by what tells one build from another: read from the cache on disk once. */
  readonly engines: Map<string, Capabilities>;
}

/** Starts threads that copy memory; whoever calls it disposes them. */
export type StartCopyThreads = () => Promise<CopyThreads>;

/** What is to be done at events, set by whoever runs the host. */
export interface Hooks {
  /** The guest of a restored machine has reset itself, which ended its engine: it is to be started anew. */
  onReset?: (machine: Running) => void;
  /** Milliseconds that the machine of a `.vmx` has run and that its AutoProtect clock on disk does not have yet. */
  unsavedRunMs?: (vmx: string) => number;
}

export interface HostOptions {
  readonly home: string;
  readonly env: Environment;
  readonly log: Host['log'];
  /** Builds the embedded image. */
  readonly buildTiny: BuildTiny;
  readonly startCopyThreads: StartCopyThreads;
}

export function createHost({ home, env, log, buildTiny, startCopyThreads }: HostOptions): Host {
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
    startCopyThreads,
    engines: new Map(),
  };
}

/** One operation at a time for each machine: the second is told so, it does not wait. */
export class Operations {
  readonly #verbs = new Map<string, string>();

  /** @throws KameError BUSY naming what is under way */
  async exclusive<T>(
    about: { key: string; machine: string; verb: string },
    work: () => Promise<T>,
  ): Promise<T> {
    const current = this.#verbs.get(about.key);
    if (current !== undefined) {
      throw new KameError('BUSY', `${about.machine} can’t be ${about.verb}: it is being ${current}.`, {
        next: 'Wait until that has ended; kame show tells the state.',
      });
    }
    this.#verbs.set(about.key, about.verb);
    try {
      return await work();
    } finally {
      this.#verbs.delete(about.key);
    }
  }

  /** What is being done with a machine, as a past participle; undefined when nothing is. */
  underWay(key: string): string | undefined {
    return this.#verbs.get(key);
  }
}
