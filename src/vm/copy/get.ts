import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import type { GetFiles } from '../../api/file-transfer.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { PortTail } from '../../guest/transfer/port-tail.ts';
import { plugPort, unplugPort } from '../../qemu/live-transfer.ts';
import { checkSocketPath } from '../../qemu/plan/sockets.ts';
import { connectUnix } from '../../sys/socket.ts';
import { hostOs } from '../engine/engine.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { getByAgent } from './agent-get.ts';
import { abilitiesOf } from './agent-limits.ts';
import { requireCopy } from './guest-ready.ts';
import { Relay } from './relay.ts';
import { runScript } from './script.ts';
import { takeOut } from './take-out.ts';

export interface GetOptions extends Progress {
  /** Sends a part of the archive. While it waits, the guest waits. */
  readonly send: (data: Buffer) => Promise<void>;
}

const connectMs = 5000;
/** Milliseconds without a byte after which nothing of what a guest has written is on its way any more. */
const tailMs = 10_000;

/** A port with a program of the guest at its other end. */
interface Port extends AsyncDisposable {
  readonly socket: Socket;
}

async function openPort(host: Host, machine: Running, token: string): Promise<Port> {
  const path = join(machine.run.directory, `cp${token}`);
  checkSocketPath(path, hostOs());
  const unplug = async () => await unplugPort(machine.engine, token);
  try {
    await plugPort(machine.engine, token, path);
    const socket = await connectUnix(path, { deadlineMs: connectMs });
    if (!socket) throw new KameError('ENGINE_FAILED', 'The port for the files does not open.');
    const dispose = async () => {
      socket.destroy();
      await takeOut(host, machine, unplug, path);
    };
    return { socket, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await takeOut(host, machine, unplug, path);
    throw error;
  }
}

async function copy(host: Host, machine: Running, { path }: GetFiles, options: GetOptions): Promise<number> {
  const token = randomBytes(4).toString('hex');
  await using port = await openPort(host, machine, token);
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  const relay = new Relay(port.socket as AsyncIterable<Buffer>, new PortTail(token), options.send);
  const running = runScript(machine, 'get', [token, path], { signal, report: options.report });
  relay.done.catch((error: unknown) => over.abort(error));
  try {
    await running;
    return await relay.end(tailMs, signal);
  } catch (error) {
    // The reason why the program was ended matters more than that it was.
    if (options.signal.aborted) throw new KameError('CANCELLED', 'The copy was cancelled.', { cause: error });
    if (over.signal.aborted) throw over.signal.reason;
    throw error;
  }
}

/**
 * Copies a file or directory of the guest of a running machine, as a tar archive that the guest made.
 * @returns the bytes of the archive
 * @throws KameError WRONG_STATE, GUEST_AGENT_MISSING, GUEST_FAILED, CANCELLED, ENGINE_*; what `send` throws
 */
export async function getFiles(
  host: Host,
  reference: string,
  request: GetFiles,
  options: GetOptions,
): Promise<number> {
  const { signal, report } = options;
  return await hold(host, reference, { verb: 'copy', needs: 'running' }, async ({ bundle, machine }) => {
    await requireCopy(bundle, machine, { signal, report });
    const { runsScripts } = await abilitiesOf(machine, { signal, report });
    return await (runsScripts
      ? copy(host, machine, request, options)
      : getByAgent(machine, request, options));
  });
}
