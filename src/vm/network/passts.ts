import { endCompanion, type Companion } from '../companion/companion.ts';
import { KeptPasst, type PasstSurroundings } from './kept-passt.ts';
import { passtPrefix, type PasstPlan } from './passt-plan.ts';

/** The passts of a network, one for each adapter. They start and end beside it: nothing waits for them. */
export class Passts {
  readonly #around: PasstSurroundings;
  readonly #kept = new Map<string, KeptPasst>();

  constructor(around: PasstSurroundings) {
    this.#around = around;
  }

  /** Why some do not run; null if there is nothing to say. */
  get trouble(): string | null {
    return [...this.#kept.values()].find(({ trouble }) => trouble !== null)?.trouble ?? null;
  }

  /** The sockets that the switch should connect to, by port: of those that run, or may do so at any moment. */
  socketsOf(plans: readonly PasstPlan[]): Map<string, string> {
    const hopeful = plans.filter(({ name }) => (this.#kept.get(name)?.trouble ?? null) === null);
    return new Map(hopeful.map(({ port, socket }) => [port, socket]));
  }

  /**
   * Has these run, and no others; returns when the others have ended.
   * @param running processes of the network that were found, of which the wanted ones stay
   * @throws KameError ENGINE_TIMEOUT when one cannot be ended
   */
  async apply(plans: readonly PasstPlan[], running: readonly Companion[]): Promise<void> {
    const wanted = new Set(plans.map(({ name }) => name));
    const found = running.filter(({ name }) => name.startsWith(passtPrefix));
    for (const plan of plans) {
      if (this.#kept.has(plan.name)) continue;
      const adopted = found.find(({ name }) => name === plan.name);
      this.#kept.set(plan.name, new KeptPasst(plan, adopted, this.#around));
    }
    for (const name of new Set([...this.#kept.keys(), ...found.map((each) => each.name)])) {
      if (wanted.has(name)) continue;
      await this.#kept.get(name)?.letGo();
      this.#kept.delete(name);
      await endCompanion(this.#around.directory, name);
    }
  }

  /** Lets go of the processes, which go on. */
  async letGo(): Promise<void> {
    const all = [...this.#kept.values()];
    this.#kept.clear();
    for (const each of all) await each.letGo();
  }
}
