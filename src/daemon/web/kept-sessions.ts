import type { DoorRecord } from './door-record.ts';
import { Sessions } from './sessions.ts';

/** The sessions of a door, which are also on the disk while it is open: a killed daemon is no end of them. */
export class KeptSessions extends Sessions {
  readonly #keeping: { last: Promise<void> };

  /** @param port the port of the door; undefined while it is closed */
  constructor(
    record: DoorRecord,
    port: () => Promise<number | undefined>,
    log: (error: unknown, message: string) => void,
  ) {
    const keeping = { last: Promise.resolve() };
    const keep = async (): Promise<void> => {
      try {
        const open = await port();
        if (open !== undefined) await record.write({ port: open, sessions: this.kept() });
      } catch (error) {
        log(error, 'Cannot write down the sessions of the web desktop');
      }
    };
    super(() => void (keeping.last = keep()));
    this.#keeping = keeping;
  }

  /** Resolves when the last change is on the disk. */
  async written(): Promise<void> {
    await this.#keeping.last;
  }
}
