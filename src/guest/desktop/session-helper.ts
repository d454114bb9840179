import { aborted, pause } from '../../core/deadline.ts';
import { deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import { within } from '../agent/wait.ts';
import type { ToolsHello } from '../tools/messages.ts';
import type { DroppedFile } from '../vdagent/file-transfer.ts';
import { GuestTools } from '../tools/tools.ts';
import type { ClipboardContent, ClipboardState } from '../vdagent/clipboard.ts';
import type { Limits } from '../vdagent/clipboard-reads.ts';
import { ClipboardLines, emptyState } from './clipboard-lines.ts';
import { dropFile, readContent, resize, writeContent, type PixelSize } from './requests.ts';

export interface SessionHelperOptions {
  /** Path of the Unix socket on which QEMU listens for the port. */
  readonly path: string;
  /** Milliseconds before another connection to a helper that has ended one. Default: 1 s. */
  readonly retryMs?: number;
}

/** A guest that changes its clipboard in a loop is heard so often, in milliseconds. */
const paceMs = 10;

/**
 * The host's side of kame-tools in the session of a desktop: its clipboard, with content of any type, and the size of its display. A
 * connection is kept for as long as there is a helper. It speaks the protocol of kame-tools, and is not trusted.
 */
export class SessionHelper {
  readonly #tools: GuestTools;
  readonly #retryMs: number;
  readonly #listeners = new Set<() => void>();
  readonly #closed = new AbortController();
  #following = new AbortController();
  #hello: ToolsHello | undefined;
  #state: ClipboardState | undefined;
  #known = deferred();

  constructor({ path, retryMs = 1000 }: SessionHelperOptions) {
    this.#tools = new GuestTools({ path });
    this.#retryMs = retryMs;
  }

  /** Whether a helper shares the clipboard. */
  get present(): boolean {
    return this.#state !== undefined;
  }

  get state(): ClipboardState {
    return this.#state ?? emptyState;
  }

  /** What the helper says about itself; undefined as long as none does. */
  get hello(): ToolsHello | undefined {
    return this.#hello;
  }

  /** Whether the helper changes the size of the display. */
  get resizesDisplay(): boolean {
    return this.#hello?.services.includes('display') ?? false;
  }

  /**
   * The content of the clipboard as one of its types.
   * @throws KameError CLIPBOARD_EMPTY, GUEST_TOOLS_MISSING, GUEST_TIMEOUT, GUEST_FAILED, CANCELLED
   */
  async read(type: string, limits: Limits): Promise<Buffer> {
    return await readContent(this.#tools, type, limits);
  }

  /** Puts content on the clipboard of the session. @throws KameError GUEST_TOOLS_MISSING, GUEST_TIMEOUT, GUEST_FAILED, CANCELLED */
  async offer(content: ClipboardContent, limits: Limits): Promise<void> {
    await writeContent(this.#tools, content, limits);
  }

  /** Whether the helper takes files for the session. */
  get takesFiles(): boolean {
    return this.#hello?.services.includes('drop') ?? false;
  }

  /** Puts a file where the user of the session looks for it. @returns its path @throws KameError GUEST_*, CANCELLED */
  async drop(file: DroppedFile, limits: Limits): Promise<string> {
    return await dropFile(this.#tools, file, limits);
  }

  /** Changes the size of the display. @returns the one that the desktop says it has then @throws KameError GUEST_*, CANCELLED */
  async resizeDisplay(size: PixelSize, limits: Limits): Promise<PixelSize> {
    return await resize(this.#tools, size, limits);
  }

  /** Waits until a helper shares the clipboard, or says that it does not. @throws KameError GUEST_TOOLS_MISSING, CANCELLED */
  async waitKnown({ deadlineMs, signal }: Limits): Promise<void> {
    await within(this.#known.promise, {
      ms: deadlineMs,
      signal,
      what: 'Waiting for kame-tools in the session',
      onTimeout: () =>
        new KameError('GUEST_TOOLS_MISSING', 'The kame-tools in the session of the guest do not answer.'),
    });
  }

  /** Calls the listener when a helper comes or goes and when the clipboard changes, until the result is disposed. */
  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** The guest has opened or closed the port, which it does when a helper comes and goes. */
  portChanged(open: boolean): void {
    this.#following.abort();
    this.#tools.disconnect();
    this.#forget();
    if (!open || this.#closed.signal.aborted) return;
    this.#following = new AbortController();
    void this.#follow(this.#following.signal);
  }

  close(): void {
    this.#closed.abort();
    this.#following.abort();
    this.#tools.close();
  }

  /** Keeps a connection until the signal fires. */
  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#serve(signal);
      } catch {
        // The next helper, or the same one again, may keep to the protocol.
      }
      if (signal.aborted) return;
      this.#tools.disconnect();
      this.#forget();
      await pause(this.#retryMs, signal);
    }
  }

  /** One connection, until it ends. @throws KameError */
  async #serve(signal: AbortSignal): Promise<void> {
    this.#hello = await this.#tools.hello({ signal });
    this.#changed();
    if (!this.#hello.services.includes('clipboardWatch')) {
      this.#known.resolve();
      await Promise.race([aborted(signal), this.#tools.ended()]);
      return;
    }
    const lines = new ClipboardLines();
    const stream = await this.#tools.open(
      'clipboardWatch',
      {},
      async (_name, chunk) => {
        const state = lines.push(chunk);
        if (!state || signal.aborted) return;
        this.#state = state;
        this.#known.resolve();
        this.#changed();
        // What the helper may send meanwhile is little, since none of it has been granted again.
        await pause(paceMs, signal);
      },
      { signal },
    );
    await stream.result;
  }

  /** Nothing is known of a helper any more. */
  #forget(): void {
    const was = this.#hello !== undefined;
    if (was) this.#known = deferred();
    this.#hello = undefined;
    this.#state = undefined;
    if (was) this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
