import { KameError } from '../../core/errors.ts';
import { within } from '../agent/wait.ts';
import { ClipboardReads, emptyClipboard, type Limits } from './clipboard-reads.ts';
import { agentTypes, fromCrlf, kindOf, textType, toCrlf, typesOf } from './content.ts';
import {
  clipboardGrab,
  clipboardHead,
  clipboardRelease,
  clipboardRequest,
  clipboardSelection,
  contentKinds,
  messageTypes,
  readContentHead,
  readGrab,
  readRelease,
  type CapabilityName,
  type Layout,
  type Message,
} from './messages.ts';

/** Answers to the guest that may wait until it reads; further requests are dropped. */
const maxAnswers = 8;

export interface ClipboardContent {
  /** MIME type. */
  readonly type: string;
  readonly data: Buffer;
}

/** Who has put the content there, and the types that it can be read as, the preferred one first. */
export interface ClipboardState {
  readonly owner: 'guest' | 'host' | 'none';
  readonly types: readonly string[];
}

/** Sends a message; rejects if the guest is gone. */
type Send = (message: Message, ...more: readonly Buffer[]) => Promise<void>;

/** The serial that follows one of the protocol, a number of 32 bits. */
function following(serial: number): number {
  return (serial + 1) >>> 0;
}

/**
 * The clipboard that a guest and the host share through an agent. Whoever grabs it says what types there are; the other
 * one asks for the content when it is pasted. Grabs of both sides are counted together, for each selection: the agent
 * drops one of the host whose number is wrong.
 */
export class AgentClipboard {
  readonly #send: Send;
  readonly #changed: () => void;
  #capabilities: ReadonlySet<CapabilityName> = new Set();
  /** The number of the next grab, by selection. */
  readonly #serials = new Map<number, number>();
  #guestTypes: readonly string[] = [];
  #offer: ClipboardContent | undefined;
  /** What the host offered before the guest grabbed. */
  #previous: ClipboardContent | undefined;
  readonly #reads = new ClipboardReads();
  /** Answers to the guest that it has not read yet. */
  #answers = 0;
  /** The content of the host with the ends of lines of the guest, made once for all answers. */
  #converted: Buffer | undefined;

  constructor(send: Send, changed: () => void) {
    this.#send = send;
    this.#changed = changed;
  }

  get state(): ClipboardState {
    if (this.#offer) return { owner: 'host', types: [this.#offer.type] };
    return { owner: this.#guestTypes.length > 0 ? 'guest' : 'none', types: this.#guestTypes };
  }

  /** The most bytes to keep of a message with content: none that nobody has asked for. */
  get contentLimit(): number {
    return this.#reads.contentLimit;
  }

  /** An agent has announced what it can; both sides count from 0, and the content of the host is offered again. */
  begin(capabilities: ReadonlySet<CapabilityName>): void {
    this.end();
    this.#capabilities = capabilities;
    // A guest that is gone again at once will be offered it when it comes back.
    if (this.#offer) void this.#grab(this.#offer).catch(() => undefined);
  }

  /** The agent is gone, and the content of the guest with it. */
  end(): void {
    this.#serials.clear();
    this.#reads.end();
    this.#setGuestTypes([]);
  }

  /** Handles a message about the clipboard. A malformed one, or one about something else, is ignored. */
  handle({ type, data }: Message): void {
    if (type === messageTypes.clipboardGrab) this.#onGrab(data);
    else if (type === messageTypes.clipboardRelease) this.#onRelease(data);
    else if (type === messageTypes.clipboardRequest) this.#onRequest(data);
    else if (type === messageTypes.clipboard) this.#onContent(data);
  }

  /** Content was dropped because of its size, which may be the content that is waited for. */
  tooLarge(bytes: number): void {
    this.#reads.tooLarge(bytes);
  }

  /**
   * Puts content on the clipboard of the guest. Content that it could not be told of is not offered later either.
   * @throws KameError INVALID_VALUE for a type that no agent carries, GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED
   */
  async offer(content: ClipboardContent, { deadlineMs, signal }: Limits): Promise<void> {
    if (kindOf(content.type) === undefined) {
      throw new KameError('INVALID_VALUE', `The agent of the guest cannot carry ${content.type}.`, {
        next: `It carries ${agentTypes.join(', ')}. kame-tools in the session of a desktop carry all types: kame tools install NAME.`,
      });
    }
    this.#setOffer(content);
    this.#guestTypes = [];
    this.#changed();
    const onTimeout = () =>
      new KameError('GUEST_TIMEOUT', 'The desktop agent of the guest does not read its messages.');
    try {
      await within(this.#grab(content), { ms: deadlineMs, signal, what: 'Setting the clipboard', onTimeout });
    } catch (error) {
      if (this.#offer === content) {
        this.#setOffer(undefined);
        this.#changed();
      }
      throw error;
    }
  }

  /** Takes what the host offers off the clipboard of the guest. @returns what it was */
  withdraw(): ClipboardContent | undefined {
    const offered = this.#offer;
    if (!offered) return undefined;
    this.#setOffer(undefined);
    this.#previous = undefined;
    void this.#send(clipboardRelease(this.#layout)).catch(() => undefined);
    this.#changed();
    return offered;
  }

  #setOffer(content: ClipboardContent | undefined): void {
    this.#offer = content;
    this.#converted = undefined;
  }

  /**
   * The content of the clipboard as one of its types.
   * @throws KameError CLIPBOARD_EMPTY when it has nothing of that type, GUEST_*, CANCELLED
   */
  async read(type: string, limits: Limits): Promise<Buffer> {
    return await this.#reads.inTurn(async () => await this.#readNow(type, limits), limits);
  }

  async #readNow(type: string, limits: Limits): Promise<Buffer> {
    if (this.#offer?.type === type) return this.#offer.data;
    const kind = kindOf(type);
    if (kind === undefined || !this.state.types.includes(type))
      throw emptyClipboard(
        `The clipboard of the guest has no ${type}.`,
        '`kame clipboard show` lists the types that it has.',
      );
    const ask = async () => await this.#send(clipboardRequest(this.#layout, kind));
    const answer = await this.#reads.content(kind, ask, limits);
    return type === textType && this.#capabilities.has('guestLineEndCrlf') ? fromCrlf(answer) : answer;
  }

  get #layout(): Layout {
    return {
      selection: this.#capabilities.has('clipboardSelection'),
      serial: this.#capabilities.has('grabSerial'),
    };
  }

  async #grab({ type }: ClipboardContent): Promise<void> {
    const serial = this.#serials.get(clipboardSelection) ?? 0;
    this.#serials.set(clipboardSelection, following(serial));
    await this.#send(clipboardGrab(this.#layout, [kindOf(type) ?? contentKinds.none], serial));
  }

  #setGuestTypes(types: readonly string[]): void {
    const before = this.#guestTypes;
    this.#guestTypes = types;
    if (types.join() !== before.join()) this.#changed();
  }

  #onGrab(data: Buffer): void {
    const grab = readGrab(this.#layout, data);
    if (!grab) return;
    const next = following(grab.serial);
    const crossed = this.#layout.serial && this.#serials.get(grab.selection) === next;
    this.#serials.set(grab.selection, next);
    // What the mouse selects in X11 is not the clipboard.
    if (grab.selection !== clipboardSelection) return;
    if (this.#offer && crossed) {
      // Both grabbed at the same time. Old agents dropped that of the host, new ones obeyed it: the next one counts.
      void this.#grab(this.#offer).catch(() => undefined);
      return;
    }
    this.#previous = this.#offer ?? this.#previous;
    this.#setOffer(undefined);
    this.#guestTypes = typesOf(grab.kinds);
    // Another owner, or other content of the same types.
    this.#changed();
  }

  #onRelease(data: Buffer): void {
    if (readRelease(this.#layout, data) === clipboardSelection) this.#setGuestTypes([]);
  }

  /**
   * The guest asks for what it thinks the host offers. It is right: within the guest, a grab of the host and one of a
   * program may have crossed, and only the guest knows which one came last.
   */
  #takeBack(): void {
    if (this.#offer || !this.#previous) return;
    this.#setOffer(this.#previous);
    this.#guestTypes = [];
    this.#changed();
  }

  /** The guest pastes. A request that cannot be met is answered with nothing of that kind: other answers are not heard. */
  #onRequest(data: Buffer): void {
    const head = readContentHead(this.#layout, data);
    if (!head || this.#answers >= maxAnswers) return;
    if (head.selection === clipboardSelection) this.#takeBack();
    const offer = head.selection === clipboardSelection ? this.#offer : undefined;
    const has = offer !== undefined && kindOf(offer.type) === head.kind;
    const content = has ? this.#forGuest(offer) : Buffer.alloc(0);
    this.#answers += 1;
    const message = {
      type: messageTypes.clipboard,
      data: clipboardHead(this.#layout, head.selection, head.kind),
    };
    void this.#send(message, content)
      .catch(() => undefined)
      .finally(() => (this.#answers -= 1));
  }

  #forGuest({ type, data }: ClipboardContent): Buffer {
    if (type !== textType || !this.#capabilities.has('guestLineEndCrlf')) return data;
    return (this.#converted ??= toCrlf(data));
  }

  #onContent(data: Buffer): void {
    const head = readContentHead(this.#layout, data);
    if (head?.selection === clipboardSelection) this.#reads.take(head.kind, data.subarray(head.at));
  }
}
