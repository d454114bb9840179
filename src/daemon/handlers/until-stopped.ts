import type { Channel } from './handler.ts';

/** Fires with the signal, or when the client sends anything or is gone: so it ends what the daemon streams to it. */
export function untilStopped(channel: Channel, signal: AbortSignal): AbortSignal {
  const stopped = new AbortController();
  void channel.next().then(() => stopped.abort());
  return AbortSignal.any([signal, stopped.signal]);
}
