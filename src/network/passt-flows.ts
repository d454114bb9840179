/** Connections that are open at most; the oldest gives way. */
const maxOpen = 16_384;
/** Connections that were only asked for, or have ended: enough for the last segments of each, and for a scan of all ports. */
const maxOthers = 4096;

const flags = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;
/** Who has sent everything. */
const ends = { guest: 1, passt: 2, both: 3 } as const;

/**
 * The TCP connections that a guest has opened through its passt. Everything else of that guest is for the NAT of the network:
 * what it opened there before its passt was running, the answers to forwards, and what an earlier passt left behind, to
 * which the NAT answers with a reset at once. (A passt of 2023 keeps silent about connections that it does not know.)
 */
export class PasstFlows {
  /** Those that passt has answered, and who has ended each. */
  readonly #open = new Map<string, number>();
  /** The oldest first. */
  readonly #others = new Set<string>();

  /** Whether a segment of the guest is for passt: it opens a connection, or belongs to one. */
  carries(flow: string, segment: number): boolean {
    if ((segment & (flags.syn | flags.ack)) === flags.syn) {
      if (this.#open.has(flow)) this.#open.set(flow, 0);
      else this.#remember(flow);
      return true;
    }
    if (!this.#open.has(flow)) return this.#others.has(flow);
    this.#note(flow, segment, ends.guest);
    return true;
  }

  /** passt has sent a segment to the guest. */
  answered(flow: string, segment: number): void {
    const isNew = (segment & flags.syn) !== 0 || !this.#others.has(flow);
    if (!this.#open.has(flow) && isNew && (segment & flags.rst) === 0) this.#opened(flow);
    this.#note(flow, segment, ends.passt);
  }

  /** The passt that carried them is gone. */
  clear(): void {
    this.#open.clear();
    this.#others.clear();
  }

  #opened(flow: string): void {
    this.#others.delete(flow);
    this.#open.set(flow, 0);
    const [oldest] = this.#open.keys();
    if (this.#open.size > maxOpen && oldest !== undefined) this.#open.delete(oldest);
  }

  #note(flow: string, segment: number, who: number): void {
    const before = this.#open.get(flow);
    if (before === undefined || (segment & (flags.fin | flags.rst)) === 0) return;
    const after = before | who;
    if (after !== ends.both && (segment & flags.rst) === 0) {
      this.#open.set(flow, after);
      return;
    }
    this.#open.delete(flow);
    this.#remember(flow);
  }

  #remember(flow: string): void {
    this.#others.delete(flow);
    this.#others.add(flow);
    const [oldest] = this.#others;
    if (this.#others.size > maxOthers && oldest !== undefined) this.#others.delete(oldest);
  }
}
