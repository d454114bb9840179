import { KameError } from '../../core/errors.ts';
import { AgentConnection, type ConnectionOptions } from './connection.ts';
import { exec, type ExecOptions, type ExecResult } from './exec.ts';
import {
  readHostName,
  readInfo,
  readInterfaces,
  readKeys,
  readOsInfo,
  readTime,
  readUsers,
  type AgentInfo,
  type GuestInterface,
  type GuestOsInfo,
  type GuestUser,
} from './facts.ts';
import { readGuestFile, writeGuestFile } from './files.ts';
import { integerOf, senseless } from './reply.ts';
import type { CallOptions } from './wait.ts';

export type ShutdownMode = 'powerdown' | 'reboot' | 'halt';

const smallFile = 4 * 1024 * 1024;
const fsfreezeDeadlineMs = 60_000;

/** What is run by `execCapture`, and all it said. */
export interface CapturedExec extends ExecResult {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * Client of the QEMU guest agent of one machine. The guest is taken as hostile: every call has a deadline, answers are
 * capped and checked, and one that makes no sense is an error, never a crash or a hang. Any call may throw KameError
 * GUEST_AGENT_MISSING (nobody answers, or the agent does not know the command), GUEST_TIMEOUT, GUEST_FAILED or
 * CANCELLED. Connects when first used and again after a break.
 */
export class GuestAgent {
  readonly #connection: AgentConnection;
  #info: AgentInfo | undefined;

  constructor(options: ConnectionOptions) {
    this.#connection = new AgentConnection(options);
  }

  /** Waits until the agent answers a fresh synchronisation, for as long as the deadline says. */
  async waitReady(options: CallOptions = {}): Promise<void> {
    await this.#connection.sync(options);
  }

  async ping(options: CallOptions = {}): Promise<void> {
    await this.#connection.call('guest-ping', {}, options);
  }

  /** Version and enabled commands, asked once. */
  async info(options: CallOptions = {}): Promise<AgentInfo> {
    this.#info ??= readInfo(await this.#connection.call('guest-info', {}, options));
    return this.#info;
  }

  async osInfo(options: CallOptions = {}): Promise<GuestOsInfo> {
    return readOsInfo(await this.#connection.call('guest-get-osinfo', {}, options));
  }

  async hostName(options: CallOptions = {}): Promise<string> {
    return readHostName(await this.#connection.call('guest-get-host-name', {}, options));
  }

  async networkInterfaces(options: CallOptions = {}): Promise<GuestInterface[]> {
    return readInterfaces(await this.#connection.call('guest-network-get-interfaces', {}, options));
  }

  /** Runs a command; output streams to the callbacks where the guest has a shell. */
  async exec(options: ExecOptions): Promise<ExecResult> {
    const { commands } = await this.info(options.signal ? { signal: options.signal } : {});
    const canStream = ['guest-file-open', 'guest-file-read', 'guest-file-close'].every((name) =>
      commands.has(name),
    );
    return exec(this.#connection, options, canStream);
  }

  /**
   * Runs a small command and keeps its output.
   * @throws KameError GUEST_FAILED when a stream holds more than `maxOutputBytes` (default 1 MiB); it is killed then
   */
  async execCapture(options: ExecOptions & { maxOutputBytes?: number }): Promise<CapturedExec> {
    const cap = options.maxOutputBytes ?? 1024 * 1024;
    const keep = (parts: Buffer[]): ((chunk: Buffer) => void) => {
      let length = 0;
      return (chunk) => {
        length += chunk.length;
        if (length > cap)
          throw new KameError('GUEST_FAILED', `${options.path} wrote more than ${cap} bytes.`);
        parts.push(chunk);
      };
    };
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    const result = await this.exec({ ...options, onStdout: keep(stdout), onStderr: keep(stderr) });
    return { ...result, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
  }

  /** Asks the guest to go down; returns when it has accepted, not when it is down. */
  async shutdown(mode: ShutdownMode = 'powerdown', options: CallOptions = {}): Promise<void> {
    await this.#connection.callSilent('guest-shutdown', { mode }, options);
  }

  async time(options: CallOptions = {}): Promise<Date> {
    return readTime(await this.#connection.call('guest-get-time', {}, options));
  }

  async setTime(time: Date, options: CallOptions = {}): Promise<void> {
    // Nanoseconds are beyond 2^53; what a double loses of them is below a microsecond.
    await this.#connection.call('guest-set-time', { time: time.getTime() * 1e6 }, options);
  }

  /** Who is logged in. */
  async users(options: CallOptions = {}): Promise<GuestUser[]> {
    return readUsers(await this.#connection.call('guest-get-users', {}, options));
  }

  async sshAuthorizedKeys(username: string, options: CallOptions = {}): Promise<string[]> {
    return readKeys(await this.#connection.call('guest-ssh-get-authorized-keys', { username }, options));
  }

  async addSshAuthorizedKeys(
    username: string,
    keys: readonly string[],
    options: CallOptions = {},
  ): Promise<void> {
    await this.#connection.call('guest-ssh-add-authorized-keys', { username, keys }, options);
  }

  async removeSshAuthorizedKeys(
    username: string,
    keys: readonly string[],
    options: CallOptions = {},
  ): Promise<void> {
    await this.#connection.call('guest-ssh-remove-authorized-keys', { username, keys }, options);
  }

  async fsfreezeStatus(options: CallOptions = {}): Promise<'thawed' | 'frozen'> {
    const value = await this.#connection.call('guest-fsfreeze-status', {}, options);
    if (value !== 'thawed' && value !== 'frozen')
      throw senseless('guest-fsfreeze-status', 'neither thawed nor frozen');
    return value;
  }

  /** Freezes all file systems; returns how many. Thaw soon: until then nothing in the guest can write. */
  async fsfreeze(options: CallOptions = {}): Promise<number> {
    return this.#count('guest-fsfreeze-freeze', options);
  }

  async fsthaw(options: CallOptions = {}): Promise<number> {
    return this.#count('guest-fsfreeze-thaw', options);
  }

  /** Reads a file of at most `maxBytes` (default 4 MiB). Slow: about 2 MB/s under emulation. */
  async readFile(path: string, options: CallOptions & { maxBytes?: number } = {}): Promise<Buffer> {
    return readGuestFile(this.#connection, path, { ...options, maxBytes: options.maxBytes ?? smallFile });
  }

  async writeFile(path: string, data: Uint8Array, options: CallOptions = {}): Promise<void> {
    await writeGuestFile(this.#connection, path, data, options);
  }

  close(): void {
    this.#connection.close();
  }

  async #count(command: string, options: CallOptions): Promise<number> {
    const value = await this.#connection.call(command, {}, { deadlineMs: fsfreezeDeadlineMs, ...options });
    return integerOf(value, command, 'the number of file systems');
  }
}
