import RFB from '@novnc/novnc';
import { client } from '../data/client.ts';
import { RfbChannel, type Traffic } from './rfb-channel.ts';

/** `lost`: it was there, and is tried again. */
export type LinkStatus = 'connecting' | 'live' | 'lost';

interface LinkListener extends Traffic {
  readonly status: (status: LinkStatus) => void;
  /** A connection begins; undefined when it has ended. */
  readonly rfb: (rfb: RFB | undefined) => void;
}

/** Milliseconds until it is tried again: soon at first, as a machine that restarts has a screen again within a second. */
const againMs = [250, 500, 1000, 2000, 4000] as const;

/** Waits for the end of a connection, which the signal brings about. */
async function ended(rfb: RFB, signal: AbortSignal): Promise<void> {
  const hangUp = () => rfb.disconnect();
  const over = new Promise<void>((resolve) => {
    rfb.addEventListener('disconnect', () => resolve(), { once: true });
  });
  signal.addEventListener('abort', hangUp);
  if (signal.aborted) hangUp();
  await over;
  signal.removeEventListener('abort', hangUp);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Shows a screen once. @returns whether it was there */
async function show(
  target: HTMLElement,
  machine: string,
  listener: LinkListener,
  signal: AbortSignal,
): Promise<boolean> {
  const connection = await client.machines.screen(machine, { signal });
  const rfb = new RFB(target, new RfbChannel(connection, listener));
  let wasLive = false;
  rfb.addEventListener('connect', () => {
    wasLive = true;
    listener.status('live');
  });
  listener.rfb(rfb);
  try {
    await ended(rfb, signal);
  } finally {
    connection.close();
    listener.rfb(undefined);
  }
  return wasLive;
}

/** Shows the screen of a machine in an element, again and again when it is lost, until the signal. */
export async function keepShowing(
  target: HTMLElement,
  machine: string,
  listener: LinkListener,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    const wasLive = await show(target, machine, listener, signal).catch(() => false);
    if (signal.aborted) return;
    if (wasLive) failures = 0;
    listener.status('lost');
    await pause(againMs[Math.min(failures, againMs.length - 1)] ?? 1000, signal);
  }
}
