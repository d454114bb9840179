import { statSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { Random } from './random.ts';

/** When to kill: so long after the operation was asked for, or at so many files' coming, going or renaming. */
export type Moment =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'event'; readonly index: number; readonly ms: number }
  /** The operation is left to end, to learn how long it takes. */
  | { readonly kind: 'never' };

/** What is known of an operation's course. */
interface Course {
  readonly ms: number;
  readonly events: number;
}

/** How long operations take on this host and how many files they touch, from runs that nobody disturbed. */
export class Courses {
  readonly #known = new Map<string, Course[]>();
  /** Milliseconds that the command line itself takes before it asks for anything. */
  commandMs = 150;

  learn(operation: string, course: Course): void {
    const known = this.#known.get(operation) ?? [];
    this.#known.set(operation, [...known, course].slice(-9));
  }

  knows(operation: string): boolean {
    return this.#known.has(operation);
  }

  #of(operation: string): Course {
    const known = this.#known.get(operation) ?? [{ ms: 500, events: 20 }];
    const ms = known.map((course) => course.ms).toSorted((a, b) => a - b);
    return {
      ms: ms[Math.floor(ms.length / 2)] as number,
      events: Math.max(...known.map(({ events }) => events)),
    };
  }

  /**
   * A moment of an operation: spread over all of its time, more often at the very start and at the end; or at one of its
   * steps on disk, or a few milliseconds later.
   */
  draw(operation: string, random: Random, byCommand: boolean): Moment {
    const { ms, events } = this.#of(operation);
    const begin = byCommand ? this.commandMs : 0;
    if (random.chance(0.5) && events > 0) {
      const late = random.chance(0.5) ? random.next() * 8 : 0;
      return { kind: 'event', index: random.between(1, events), ms: late };
    }
    const share = random.weighted<() => number>([
      [() => random.next() * 1.05, 6],
      [() => random.next() * 0.1, 2],
      [() => 0.85 + random.next() * 0.3, 2],
    ])();
    return { kind: 'time', ms: begin + share * ms };
  }
}

/** Counts files that come, go or get another name in directories and those that are made in them. */
export class FileEvents implements Disposable {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #onEvent: (count: number) => void;
  #count = 0;

  constructor(directories: readonly string[], onEvent: (count: number) => void) {
    this.#onEvent = onEvent;
    for (const directory of directories) this.#watch(directory);
  }

  get count(): number {
    return this.#count;
  }

  #watch(directory: string): void {
    if (this.#watchers.has(directory)) return;
    try {
      if (!statSync(directory).isDirectory()) return;
      const watcher = watch(directory, (type, name) => {
        if (type !== 'rename') return;
        if (name !== null) this.#watch(join(directory, name));
        this.#count += 1;
        this.#onEvent(this.#count);
      });
      watcher.on('error', () => watcher.close());
      this.#watchers.set(directory, watcher);
    } catch {
      // Not there, or gone again.
    }
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers.values()) watcher.close();
  }
}
