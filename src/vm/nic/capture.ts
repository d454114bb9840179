import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { CaptureEnd, CaptureRequest } from '../../api/nic.ts';
import { messageOf } from '../../core/errors.ts';
import { captureId, endCapture, startCapture } from '../../qemu/live-capture.ts';
import { nicsIn } from '../../qemu/live-nics.ts';
import type { Bundle } from '../../store/bundle.ts';
import { openInlet, type PipeInlet } from '../../sys/pipe-inlet.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { CaptureQueue } from './capture-queue.ts';
import { chosenNic, refusedLive } from './change-nic.ts';

export interface CaptureOptions {
  /** Ends the capture. */
  readonly signal: AbortSignal;
  /** Sends a part of the pcap file. While it waits, at most 16 MiB of frames are kept, and more are left out. */
  readonly send: (data: Buffer) => Promise<void>;
}

interface Started {
  readonly machine: Running;
  readonly id: string;
  readonly inlet: PipeInlet;
}

/** Begins the capture while nothing else changes the machine, so that the adapter cannot go in between. */
async function begin(host: Host, reference: string, index: number): Promise<Started> {
  const request = { verb: 'change', needs: 'running' } as const;
  return await hold(host, reference, request, async ({ bundle, machine }) => {
    await requireThere(bundle, machine, index);
    const key = randomBytes(4).toString('hex');
    const inlet = await openInlet(join(machine.run.directory, `c${key}`));
    try {
      const id = captureId(key);
      await startCapture(machine.engine, id, index, inlet.path);
      return { machine, id, inlet };
    } catch (error) {
      inlet[Symbol.dispose]();
      throw error;
    }
  });
}

async function requireThere(bundle: Bundle, machine: Running, index: number): Promise<void> {
  chosenNic(bundle, index);
  if (!(await nicsIn(machine.engine)).has(index))
    throw refusedLive(bundle, `its engine has no adapter ${index}`);
}

/** Reads as fast as the engine writes. Calls `over` at the end, or when the file has its largest size. */
function fill(queue: CaptureQueue, stream: Socket, over: (reason: CaptureEnd['reason']) => void): void {
  stream.on('data', (chunk: Buffer) => {
    queue.push(chunk);
    if (queue.isFull) over('size');
  });
  const end = () => {
    over('engine');
    queue.end();
  };
  stream.on('end', end);
  stream.on('error', end);
  stream.on('close', end);
}

/**
 * Captures the frames of an adapter of a running machine, until the signal, the limit, or the end of the engine. The guest
 * never waits for it.
 * @throws KameError WRONG_STATE when the machine is not running, NO_SUCH_NIC, BUSY, ENGINE_*; what `send` throws
 */
export async function capture(
  host: Host,
  reference: string,
  { nic, maxBytes = Number.POSITIVE_INFINITY }: CaptureRequest,
  { signal, send }: CaptureOptions,
): Promise<CaptureEnd> {
  const started = await begin(host, reference, nic);
  const { machine, id } = started;
  using inlet = started.inlet;
  const queue = new CaptureQueue(maxBytes);
  let reason: CaptureEnd['reason'] | undefined;
  const over = (why: CaptureEnd['reason']) => {
    if (reason !== undefined) return;
    reason = why;
    // Then QEMU closes the pipe, which ends the queue, after all that it has written.
    if (why !== 'engine') void endCapture(machine.engine, id).catch(() => queue.end());
  };
  const stop = () => over('stopped');
  signal.addEventListener('abort', stop, { once: true });
  try {
    fill(queue, inlet.stream(), over);
    if (signal.aborted) stop();
    for (let data = await queue.take(); data; data = await queue.take()) await send(data);
  } finally {
    signal.removeEventListener('abort', stop);
    await endCapture(machine.engine, id).catch((error: unknown) =>
      host.log('A capture could not be ended', { machine: machine.name, reason: messageOf(error) }),
    );
  }
  const { frames, bytes, dropped } = queue;
  return { type: 'end', reason: reason ?? 'engine', frames, bytes, dropped };
}
