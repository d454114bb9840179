import { deferred } from '../../core/deferred.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { pause } from '../../core/deadline.ts';
import { within } from '../agent/wait.ts';
import { AgentClipboard, type ClipboardContent, type ClipboardState } from './clipboard.ts';
import { maxContentBytes, type Limits } from './clipboard-reads.ts';
import { FileTransfers } from './file-transfer.ts';
import { AgentLink, agentMissing } from './link.ts';
import {
  announceCapabilities,
  maxClipboard,
  messageTypes,
  monitorsConfig,
  readAnnouncement,
  type CapabilityName,
  type Message,
} from './messages.ts';

/** The most bytes of any message without content of the clipboard. */
const maxControlBytes = 4096;
export interface DesktopAgentOptions {
  /** Of the socket on which QEMU listens for the port. */
  readonly path: string;
  /** Milliseconds before another connection to a guest that has broken the protocol. Default: 1 s. */
  readonly afterBreachMs?: number;
}

/**
 * The host's side of a SPICE agent such as spice-vdagent, over its port. One connection is kept for as long as an agent has
 * the port open, because the guest lets go of its clipboard when the connection ends. The agent is not trusted.
 */
export class DesktopAgent {
  readonly clipboard: AgentClipboard;
  readonly files: FileTransfers;
  readonly #path: string;
  readonly #afterBreachMs: number;
  readonly #listeners = new Set<() => void>();
  readonly #closing = new AbortController();
  #link: AgentLink | undefined;
  /** Whether a connection is being made. */
  #connecting = false;
  /** Of the agent; undefined as long as it has not announced any. */
  #capabilities: ReadonlySet<CapabilityName> | undefined;
  #present = deferred();
  #portOpen = false;
  #breach: KameError | undefined;

  constructor({ path, afterBreachMs = 1000 }: DesktopAgentOptions) {
    this.#path = path;
    this.#afterBreachMs = afterBreachMs;
    const send = async (message: Message, ...more: readonly Buffer[]) => await this.#send(message, ...more);
    this.clipboard = new AgentClipboard(send, () => this.#changed());
    this.files = new FileTransfers(send);
  }

  /** Whether an agent has announced what it can. */
  get present(): boolean {
    return this.#capabilities !== undefined;
  }

  /** What is on the clipboard. */
  get state(): ClipboardState {
    return this.clipboard.state;
  }

  /** Why the guest was disconnected, if it has broken the protocol and no other agent has come since. */
  get breach(): KameError | undefined {
    return this.#breach;
  }

  /** @throws KameError CLIPBOARD_EMPTY, GUEST_AGENT_MISSING, GUEST_TIMEOUT, GUEST_FAILED, CANCELLED */
  async read(type: string, limits: Limits): Promise<Buffer> {
    return await this.clipboard.read(type, limits);
  }

  /** Puts content on the clipboard of the guest. @throws KameError INVALID_VALUE, GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED */
  async offer(content: ClipboardContent, limits: Limits): Promise<void> {
    await this.clipboard.offer(content, limits);
  }

  /** Whether the agent changes the size of the display, on X11 at least: on Wayland it reports success and does nothing. */
  get resizesDisplay(): boolean {
    return this.#capabilities?.has('monitorsConfig') ?? false;
  }

  /** Whether the agent takes files for the session. */
  get takesFiles(): boolean {
    return this.present && !this.#capabilities?.has('fileTransferDisabled');
  }

  /** Asks for a size of the display, in pixels. Whether it follows is to be seen. @throws KameError GUEST_AGENT_MISSING */
  async resizeDisplay(size: { readonly width: number; readonly height: number }): Promise<void> {
    await this.#send(monitorsConfig(size));
  }

  /** Calls the listener when an agent comes or goes and when the clipboard changes, until the result is disposed. */
  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Waits for an agent whose port is open to announce what it can.
   * @throws KameError GUEST_AGENT_MISSING when it does not, CANCELLED
   */
  async waitPresent({ deadlineMs, signal }: Limits): Promise<void> {
    const silent = () =>
      new KameError('GUEST_AGENT_MISSING', 'The desktop agent of the guest does not answer.', {
        next: 'Restart spice-vdagentd in the guest.',
      });
    await within(this.#present.promise, {
      ms: deadlineMs,
      signal,
      what: 'Waiting for the desktop agent',
      onTimeout: () => this.#breach ?? silent(),
    });
  }

  /** The guest has opened or closed its port. */
  portChanged(open: boolean): void {
    this.#portOpen = open;
    this.#forget();
    if (!open || this.#closing.signal.aborted) return;
    this.#breach = undefined;
    if (this.#link) {
      // The connection outlives the agent: closing it would make the next agent begin anew, and so on.
      this.#link.restart();
      this.#greet();
    } else this.#connectOnce(0);
  }

  close(): void {
    this.#closing.abort();
    this.#forget();
    this.#link?.close();
    this.#link = undefined;
  }

  /** Connects, unless that is under way. */
  #connectOnce(delayMs: number): void {
    if (this.#connecting) return;
    this.#connecting = true;
    void this.#connect(delayMs).finally(() => (this.#connecting = false));
  }

  async #connect(delayMs: number): Promise<void> {
    if (delayMs > 0) await pause(delayMs, this.#closing.signal);
    // QEMU would keep what is sent to a closed port for the next agent, which is greeted anyway.
    if (this.#closing.signal.aborted || !this.#portOpen) return;
    try {
      const link = await AgentLink.connect(this.#path, {
        limitOf: (type) => (type === messageTypes.clipboard ? this.clipboard.contentLimit : maxControlBytes),
        onMessage: (message) => this.#receive(message),
        onDropped: (type, bytes) => {
          if (type === messageTypes.clipboard) this.clipboard.tooLarge(bytes);
        },
        onClosed: (error) => this.#onClosed(error),
      });
      if (this.#closing.signal.aborted) link.close();
      else {
        this.#link = link;
        this.#greet();
      }
    } catch (error) {
      this.#breach = error instanceof KameError ? error : agentMissing(messageOf(error));
    }
  }

  /** Asks the agent for its capabilities, which also makes it count from 0. */
  #greet(): void {
    void this.#send(announceCapabilities(true)).catch(() => undefined);
  }

  #onClosed(error: KameError | undefined): void {
    this.#link = undefined;
    this.#forget();
    if (!error) return;
    this.#breach = error;
    // The agent sees that its connection has ended, and opens its port again; a guest that goes on like this is slowed down.
    this.#connectOnce(this.#afterBreachMs);
  }

  /** Nothing is known of an agent any more. */
  #forget(): void {
    const was = this.present;
    if (was) this.#present = deferred();
    this.#capabilities = undefined;
    this.clipboard.end();
    this.files.end();
    if (was) this.#changed();
  }

  #receive(message: Message): void {
    if (message.type === messageTypes.announceCapabilities) this.#onAnnounced(message.data);
    // What comes before the capabilities is left from another connection.
    else if (!this.present) return;
    else if (message.type === messageTypes.fileStatus) this.files.handle(message.data);
    else this.clipboard.handle(message);
  }

  #onAnnounced(data: Buffer): void {
    const announced = readAnnouncement(data);
    if (!announced) return;
    if (announced.request) {
      // One that starts asks, and has been asked when it opened the port. Asked twice, it would drop its clipboard twice.
      if (!this.present) return;
      this.#forget();
      this.#greet();
      return;
    }
    this.#capabilities = announced.capabilities;
    if (announced.capabilities.has('maxClipboard'))
      void this.#send(maxClipboard(maxContentBytes)).catch(() => undefined);
    this.clipboard.begin(announced.capabilities);
    this.#present.resolve();
    this.#changed();
  }

  async #send(message: Message, ...more: readonly Buffer[]): Promise<void> {
    if (!this.#link) throw agentMissing('No desktop agent answers in the guest.');
    await this.#link.send(message, ...more);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
