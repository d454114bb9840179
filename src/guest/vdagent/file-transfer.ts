import { deferred, type Deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import { within } from '../agent/wait.ts';
import type { Limits } from './clipboard-reads.ts';
import { fileCancel, fileData, fileStart, readFileStatus, type FileStatus } from './file-messages.ts';
import { agentMissing } from './link.ts';
import type { Message } from './messages.ts';

/** A file for the session of a user. */
export interface DroppedFile {
  /** Without directories and control characters. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly content: AsyncIterable<Buffer>;
}

/** Sends a message; rejects if the guest is gone. */
type Send = (message: Message, ...more: readonly Buffer[]) => Promise<void>;

interface Transfer {
  readonly id: number;
  /** Resolves when content is wanted. */
  readonly begun: Deferred<void>;
  /** Resolves when all is there. */
  readonly ended: Deferred<void>;
  failure: KameError | undefined;
}

/** Bytes of content in one message, as other hosts send them. */
const pieceBytes = 64 * 1024;

const reasons: Readonly<Record<Exclude<FileStatus, 'canSend' | 'success'>, string>> = {
  cancelled: 'its user cancelled it',
  error: 'it could not write the file',
  notEnoughSpace: 'its disk is full',
  sessionLocked: 'its session is locked',
  notConnected: 'nobody is logged in to its desktop',
  disabled:
    'file transfer is disabled in its agent; without the package xdg-user-dirs it has no place for files',
};

/** Sends files to the agent of a desktop, one after the other. The agent finds a place, and a name that none has. */
export class FileTransfers {
  readonly #send: Send;
  #nextId = 1;
  #transfer: Transfer | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(send: Send) {
    this.#send = send;
  }

  /**
   * Sends a file when it is its turn.
   * @param limits the deadline is for each answer of the guest, and each part that it takes
   * @throws KameError GUEST_FAILED when the guest refuses it, GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED; what the content throws
   */
  async drop(file: DroppedFile, limits: Limits): Promise<void> {
    const mine = this.#last.then(async () => await this.#dropNow(file, limits));
    this.#last = mine.catch(() => undefined);
    await mine;
  }

  /** A message about a file. What is malformed, or about no transfer of now, is ignored. */
  handle(data: Buffer): void {
    const told = readFileStatus(data);
    const transfer = this.#transfer;
    if (!told || told.id !== transfer?.id) return;
    if (told.status === 'canSend') transfer.begun.resolve();
    else if (told.status === 'success') transfer.ended.resolve();
    else
      this.#fail(
        transfer,
        new KameError('GUEST_FAILED', `The guest did not take the file: ${reasons[told.status]}.`),
      );
  }

  /** The agent is gone. */
  end(): void {
    if (this.#transfer)
      this.#fail(this.#transfer, agentMissing('The desktop agent of the guest has stopped.'));
  }

  #fail(transfer: Transfer, error: KameError): void {
    transfer.failure = error;
    transfer.begun.reject(error);
    transfer.ended.reject(error);
  }

  async #dropNow(file: DroppedFile, limits: Limits): Promise<void> {
    const transfer: Transfer = { id: this.#nextId, begun: deferred(), ended: deferred(), failure: undefined };
    this.#nextId = (this.#nextId % 0xffff_ffff) + 1;
    for (const { promise } of [transfer.begun, transfer.ended]) promise.catch(() => undefined);
    this.#transfer = transfer;
    try {
      await this.#inTime(this.#send(fileStart(transfer.id, file.name, file.size)), limits);
      await this.#inTime(transfer.begun.promise, limits);
      for await (const part of file.content) await this.#part(transfer, part, limits);
      // An empty file is complete with an empty part.
      if (file.size === 0) await this.#inTime(this.#send(fileData(transfer.id, 0)), limits);
      await this.#inTime(transfer.ended.promise, limits);
    } catch (error) {
      // The agent removes what it has of the file.
      void this.#send(fileCancel(transfer.id)).catch(() => undefined);
      throw error;
    } finally {
      this.#transfer = undefined;
    }
  }

  async #part(transfer: Transfer, part: Buffer, limits: Limits): Promise<void> {
    for (let at = 0; at < part.length; at += pieceBytes) {
      const piece = part.subarray(at, at + pieceBytes);
      // It may have been refused meanwhile, as when the disk is full.
      if (transfer.failure) throw transfer.failure;
      await this.#inTime(this.#send(fileData(transfer.id, piece.length), piece), limits);
    }
  }

  async #inTime<T>(work: Promise<T>, { deadlineMs, signal }: Limits): Promise<T> {
    const onTimeout = () =>
      new KameError('GUEST_TIMEOUT', 'The desktop agent of the guest did not take the file in time.');
    return await within(work, { ms: deadlineMs, signal, what: 'The transfer of the file', onTimeout });
  }
}
