import type { KameEvent } from '../../api/messages.ts';
import type { Bundle } from '../../store/bundle.ts';

export type EventListener = (event: KameEvent) => void;

/** Delivers the events of machines to all listeners. A listener that throws is removed, so that it cannot harm the others. */
export class EventBus {
  readonly #listeners = new Set<EventListener>();

  listen(listener: EventListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  emit(event: Omit<KameEvent, 'at'>): void {
    const complete: KameEvent = { at: new Date().toISOString(), ...event };
    for (const listener of this.#listeners) {
      try {
        listener(complete);
      } catch {
        this.#listeners.delete(listener);
      }
    }
  }
}

/** The event of a machine whose files were created, changed or deleted. */
export function bundleEvent(
  type: 'machine.created' | 'machine.changed' | 'machine.deleted',
  { name, content }: Bundle,
  message: string,
): Omit<KameEvent, 'at'> {
  return { type, machine: name, id: content?.model.uuid ?? null, state: null, message };
}
