import { isIPv4, type Socket } from 'node:net';
import { KameError } from '../../core/errors.ts';
import { connectUnix } from '../../sys/socket.ts';
import { QmpClient, type ExecuteOptions } from '../qmp/client.ts';

/** A port of the host that leads to a guest, as slirp has it. */
export interface NatForward {
  readonly transport: 'tcp' | 'udp';
  /** IPv4 addresses. */
  readonly bind: string;
  readonly hostPort: number;
  readonly address: string;
  readonly guestPort: number;
}

interface Limits {
  /** Milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Once this settles nothing will listen any more: its process has ended. */
  readonly stop?: Promise<unknown>;
}

/**
 * The monitor of a network's NAT. QMP has no command for a forward of a running slirp, so these go through the monitor for
 * people; of its answers only whether there is one counts.
 */
export class NatMonitor implements AsyncDisposable {
  readonly #qmp: QmpClient;

  private constructor(qmp: QmpClient) {
    this.#qmp = qmp;
  }

  /** @throws KameError ENGINE_TIMEOUT, ENGINE_FAILED, CANCELLED */
  static async open(path: string, limits: Limits): Promise<NatMonitor> {
    const socket = await connectUnix(path, limits);
    if (!socket) throw new KameError('ENGINE_FAILED', `Nothing listens on ${path}.`);
    return await NatMonitor.over(socket, limits);
  }

  /** As `open`, over a connection that is there. @throws KameError ENGINE_TIMEOUT, ENGINE_FAILED, CANCELLED */
  static async over(socket: Socket, { deadlineMs, signal }: Limits): Promise<NatMonitor> {
    const cancel = signal ? { signal } : {};
    return new NatMonitor(await QmpClient.open(socket, { timeoutMs: deadlineMs, ...cancel }));
  }

  /** Resolves when the connection has ended, which mostly means that the process has. */
  get closed(): Promise<KameError> {
    return this.#qmp.closed;
  }

  /** Adds a forward. @returns whether slirp listens; if not, another program has the port, or it may not be used */
  async add(forward: NatForward, limits: Limits): Promise<boolean> {
    const { address, guestPort } = forward;
    checkAddress(address);
    const answer = await this.#tell(`hostfwd_add nat ${hostSide(forward)}-${address}:${guestPort}`, limits);
    return answer === '';
  }

  /** Removes a forward. One that is not there is no error. Its connections go on. */
  async remove(forward: Pick<NatForward, 'transport' | 'bind' | 'hostPort'>, limits: Limits): Promise<void> {
    await this.#tell(`hostfwd_remove nat ${hostSide(forward)}`, limits);
  }

  async #tell(line: string, { deadlineMs, signal }: Limits): Promise<string> {
    const options: ExecuteOptions = { timeoutMs: deadlineMs, ...(signal ? { signal } : {}) };
    return await this.#qmp.execute('human-monitor-command', { 'command-line': line }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#qmp[Symbol.asyncDispose]();
  }
}

function hostSide({
  transport,
  bind,
  hostPort,
}: Pick<NatForward, 'transport' | 'bind' | 'hostPort'>): string {
  checkAddress(bind);
  return `${transport}:${bind}:${hostPort}`;
}

/** Whatever else stood in a line of the monitor would be another command. */
function checkAddress(address: string): void {
  if (!isIPv4(address)) throw new KameError('INVALID_VALUE', `"${address}" is not an IPv4 address.`);
}
