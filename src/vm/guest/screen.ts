import type { OnReadOpts, Socket } from 'node:net';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { connectUnix } from '../../sys/socket.ts';
import type { Host } from '../host/host.ts';
import { machineWithDisplay } from './display.ts';

const connectDeadlineMs = 2000;

export interface ScreenOptions {
  readonly signal: AbortSignal;
  /** Takes what the engine sends. */
  readonly onread: OnReadOpts;
}

/**
 * Connects to the VNC server of a running machine. The socket ends with the machine.
 * @throws KameError NO_SUCH_MACHINE, WRONG_STATE when it is not running or has no display, ENGINE_*, CANCELLED
 */
export async function connectScreen(
  host: Host,
  reference: string,
  { signal, onread }: ScreenOptions,
): Promise<Socket> {
  const machine = await machineWithDisplay(host, reference, silentProgress(signal));
  const socket = await connectUnix(machine.vncSocket, {
    deadlineMs: connectDeadlineMs,
    signal,
    onread,
    stop: machine.ended,
  });
  if (socket) return socket;
  throw new KameError('WRONG_STATE', `${machine.name} has just stopped.`, {
    next: `kame start ${machine.name} starts it.`,
    details: { machine: machine.name },
  });
}
