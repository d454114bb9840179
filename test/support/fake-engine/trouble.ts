import { Refusal } from './refusal.ts';

/** The engine at which something goes wrong. */
export interface Victim {
  readonly name: string;
  crash(): Promise<void>;
}

export interface When {
  /** Only at the engine of that name. */
  readonly machine?: string;
  /** Commands that are always let through. */
  readonly except?: readonly string[];
  /** Commands that are let through before. */
  readonly skip?: number;
  /** How often it happens. Default 1. */
  readonly times?: number;
}

interface Trouble extends When {
  readonly command: string;
  readonly act: (victim: Victim) => Promise<'silence' | undefined>;
  seen: number;
  met: string | null;
  readonly reached: Promise<void>;
  readonly announce: () => void;
}

/** Whether it has come to it yet: the command at which it went wrong. */
export interface Planned {
  readonly met: string | null;
  /** Resolves when it has. */
  readonly reached: Promise<void>;
}

/** What is to go wrong at the commands of engines, those that do not run yet too. `*` stands for every command. */
export class Troubles {
  readonly #all: Trouble[] = [];

  /** The engine refuses the command with these words. */
  refuse(command: string, words: string, when: When = {}): Planned {
    return this.#add(command, when, async () => await Promise.reject(new Refusal(words)));
  }

  /** The engine never answers the command. */
  hang(command: string, when: When = {}): Planned {
    return this.#add(command, when, async () => await Promise.resolve('silence'));
  }

  /** The engine is killed instead of doing it. */
  die(command: string, when: When = {}): Planned {
    return this.#add(command, when, async (victim) => {
      await victim.crash();
      return 'silence';
    });
  }

  /** Something happens before the engine does it. */
  before(command: string, work: (victim: Victim) => void | Promise<void>, when: When = {}): Planned {
    return this.#add(command, when, async (victim) => {
      await work(victim);
      return undefined;
    });
  }

  clear(): void {
    this.#all.splice(0);
  }

  #add(command: string, when: When, act: Trouble['act']): Planned {
    let announce = () => {};
    const reached = new Promise<void>((resolve) => (announce = resolve));
    const trouble: Trouble = { ...when, command, act, seen: 0, met: null, reached, announce };
    this.#all.push(trouble);
    return trouble;
  }

  /** What a command meets. @throws Refusal */
  async meet(command: string, victim: Victim): Promise<'silence' | undefined> {
    for (const trouble of this.#all) {
      if (trouble.command !== command && trouble.command !== '*') continue;
      if (trouble.except?.includes(command)) continue;
      if (trouble.machine !== undefined && trouble.machine !== victim.name) continue;
      trouble.seen += 1;
      const at = trouble.seen - (trouble.skip ?? 0);
      if (at < 1 || at > (trouble.times ?? 1)) continue;
      trouble.met ??= command;
      trouble.announce();
      const result = await trouble.act(victim);
      if (result === 'silence') return result;
    }
    return undefined;
  }
}
