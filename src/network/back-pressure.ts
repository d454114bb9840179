import type { Outlet } from './output.ts';
import type { Port } from './port.ts';
import type { ShaperTools } from './shaper.ts';

/** Milliseconds that a sender waits at most for a receiver that does not keep up. */
const patienceMs = 10;

/**
 * Has a guest that sends faster than another takes wait for a moment, as a socket between the two would: what it sends meanwhile
 * would be lost, and would have cost it its processor. Its other traffic waits too, so the wait is short; and nobody waits for a
 * receiver that did not catch up in time, until it has. So one that reads slowly, or not at all, holds nobody up for long.
 */
export class BackPressure {
  readonly #tools: Pick<ShaperTools, 'timetable' | 'now'>;
  readonly #slow = new WeakSet<Outlet>();
  readonly #waiting = new WeakSet<Outlet>();

  constructor(tools: Pick<ShaperTools, 'timetable' | 'now'>) {
    this.#tools = tools;
  }

  /** A port has sent something to another. */
  sent({ outlet: sender }: Port, { outlet: receiver }: Port): void {
    if (!sender || !receiver?.isBehind) return;
    if (!this.#slow.has(receiver) && !this.#waiting.has(sender)) this.#hold(sender, receiver);
  }

  #hold(sender: Outlet, receiver: Outlet): void {
    const go = () => {
      if (this.#waiting.delete(sender)) sender.resume();
    };
    let isOver = false;
    this.#waiting.add(sender);
    sender.pause();
    receiver.whenCaughtUp(() => {
      isOver = true;
      this.#slow.delete(receiver);
      go();
    });
    this.#tools.timetable.add(this.#tools.now() + patienceMs, () => {
      if (isOver) return;
      this.#slow.add(receiver);
      go();
    });
  }
}
