import { Deadline } from '../../core/deadline.ts';
import { silentProgress } from '../../core/progress.ts';
import { AgentConnection, type ConnectionOptions } from './connection.ts';
import { exec, type ExecOptions, type ExecResult } from './exec.ts';
import {
  readInfo,
  readInterfaces,
  readOsInfo,
  readTime,
  type GuestAgentInfo,
  type GuestInterface,
  type GuestOsInfo,
} from './facts.ts';
import { readContent, writeContent } from './file-content.ts';
import { readTail } from './files.ts';
import { spawn } from './guest-process.ts';
import { integerOf } from './reply.ts';
import { readKeys, readSessions } from './users.ts';
import type { CallOptions } from './wait.ts';

export type ShutdownMode = 'powerdown' | 'reboot' | 'halt';

const commandsDeadlineMs = 10_000;
const fsfreezeDeadlineMs = 60_000;
/** A host of containers has hundreds of interfaces, each with statistics. */
const interfacesBytes = 512 * 1024;
/** Hundreds of sessions. */
const sessionsBytes = 128 * 1024;
/** Hundreds of long keys. */
const keysBytes = 512 * 1024;
/** A few hundred names of commands. */
const commandsBytes = 128 * 1024;

/**
 * Client of the QEMU guest agent of one machine. The guest is treated as hostile: every call has a deadline, replies
 * are limited in size and checked, and a malformed one is an error, never a crash or a hang. Any call may throw
 * KameError GUEST_AGENT_MISSING (no response, or the agent does not support the command), GUEST_TIMEOUT, GUEST_FAILED
 * or CANCELLED. Connects on first use, and again when the connection is lost.
 */
export class GuestAgent {
  readonly #connection: AgentConnection;
  #info: GuestAgentInfo | undefined;

  constructor(options: ConnectionOptions) {
    this.#connection = new AgentConnection(options);
  }

  /** Waits until the agent responds to a new synchronisation, up to the deadline. */
  async waitReady(options: CallOptions = {}): Promise<void> {
    await this.#connection.sync(options);
  }

  async ping(options: CallOptions = {}): Promise<void> {
    await this.#connection.call('guest-ping', {}, options);
  }

  /** The version of the agent, if it tells. */
  async version(options: CallOptions = {}): Promise<string | undefined> {
    return (await this.#about(options)).version;
  }

  async osInfo(options: CallOptions = {}): Promise<GuestOsInfo> {
    return readOsInfo(await this.#connection.call('guest-get-osinfo', {}, options));
  }

  async networkInterfaces(options: CallOptions = {}): Promise<GuestInterface[]> {
    const large = { maxBytes: interfacesBytes, ...options };
    return readInterfaces(await this.#connection.call('guest-network-get-interfaces', {}, large));
  }

  /** Runs a command. If the guest has a shell, the output is streamed to the callbacks. */
  async exec(options: ExecOptions): Promise<ExecResult> {
    const { signal, report = () => undefined } = options;
    const deadline =
      options.deadline ?? new Deadline(options.timeoutMs ?? Infinity, { ...silentProgress(signal), report });
    const canStream = async () => await this.canStream(deadline.step(commandsDeadlineMs));
    return await exec(this.#connection, options, deadline, canStream);
  }

  /** Whether the output of a command can be read while it runs: some guests forbid their agent to read files. */
  async canStream(options: CallOptions): Promise<boolean> {
    return await this.supports(['guest-file-open', 'guest-file-read', 'guest-file-close'], options);
  }

  /** Whether the agent has these commands, and may use them. */
  async supports(names: readonly string[], options: CallOptions): Promise<boolean> {
    const { commands } = await this.#about(options);
    return names.every((name) => commands.has(name));
  }

  /** Writes a file of the guest; see writeContent. */
  async writeFile(path: string, chunks: AsyncIterable<Buffer>, options: CallOptions): Promise<void> {
    await writeContent(this.#connection, path, chunks, options);
  }

  /** Reads a file of the guest; see readContent. */
  async readFile(
    path: string,
    reader: Parameters<typeof readContent>[2],
    options: CallOptions,
  ): Promise<void> {
    await readContent(this.#connection, path, reader, options);
  }

  /** Asks the guest to shut down; returns when it has accepted, not when it has shut down. */
  async shutdown(mode: ShutdownMode = 'powerdown', options: CallOptions = {}): Promise<void> {
    await this.#connection.callSilent('guest-shutdown', { mode }, options);
  }

  async time(options: CallOptions = {}): Promise<Date> {
    return readTime(await this.#connection.call('guest-get-time', {}, options));
  }

  async setTime(time: Date, options: CallOptions = {}): Promise<void> {
    // Nanoseconds exceed 2^53, but a double loses less than a microsecond.
    await this.#connection.call('guest-set-time', { time: time.getTime() * 1e6 }, options);
  }

  /** Freezes all file systems; returns how many. Thaw them soon: until then nothing in the guest can write. */
  async fsfreeze(options: CallOptions = {}): Promise<number> {
    return this.#count('guest-fsfreeze-freeze', options);
  }

  async fsthaw(options: CallOptions = {}): Promise<number> {
    return this.#count('guest-fsfreeze-thaw', options);
  }

  /** Freezes all file systems and thaws them at once, even if this process ends in between. */
  async freezeAndThaw(options: CallOptions = {}): Promise<{ count: number; frozenMs: number }> {
    const commands = ['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw'] as const;
    const [count, , frozenMs] = await this.#connection.callBoth(commands, {
      deadlineMs: fsfreezeDeadlineMs,
      ...options,
    });
    return { count: integerOf(count, commands[0], 'the number of file systems'), frozenMs };
  }

  /** Users who are logged in, each since the first of their sessions. */
  async sessions(options: CallOptions = {}): Promise<ReadonlyMap<string, Date>> {
    const large = { maxBytes: sessionsBytes, ...options };
    return readSessions(await this.#connection.call('guest-get-users', {}, large));
  }

  /** @param password as text, or as a hash if it is `crypted` */
  async setPassword(user: string, password: string, crypted: boolean, options: CallOptions): Promise<void> {
    const args = { username: user, password: Buffer.from(password).toString('base64'), crypted };
    await this.#connection.call('guest-set-user-password', args, options);
  }

  /** The lines of a user's authorized_keys. */
  async sshKeys(user: string, options: CallOptions): Promise<string[]> {
    const command = 'guest-ssh-get-authorized-keys';
    const large = { maxBytes: keysBytes, ...options };
    return readKeys(await this.#connection.call(command, { username: user }, large));
  }

  /** @param reset whether all others are removed */
  async addSshKeys(
    user: string,
    keys: readonly string[],
    reset: boolean,
    options: CallOptions,
  ): Promise<void> {
    const args = { username: user, keys, ...(reset ? { reset } : {}) };
    await this.#connection.call('guest-ssh-add-authorized-keys', args, options);
  }

  async removeSshKeys(user: string, keys: readonly string[], options: CallOptions): Promise<void> {
    await this.#connection.call('guest-ssh-remove-authorized-keys', { username: user, keys }, options);
  }

  /** Starts a program that nobody waits for. @returns the number of its process */
  async start(words: readonly string[], options: CallOptions): Promise<number> {
    const [path = '', ...arg] = words;
    return await spawn(this.#connection, { path, arg }, options);
  }

  /**
   * The end of a file in the guest, such as a log.
   * @returns its size now, and at most `maxBytes` of what follows `from`; undefined if the agent cannot read it
   */
  async readTail(
    path: string,
    { from, maxBytes, ...options }: CallOptions & { readonly from: number; readonly maxBytes: number },
  ): Promise<{ readonly size: number; readonly bytes: Buffer } | undefined> {
    return await readTail(this.#connection, path, { from, most: maxBytes }, options);
  }

  close(): void {
    this.#connection.close();
  }

  /** What the agent says about itself, queried once. */
  async #about(options: CallOptions): Promise<GuestAgentInfo> {
    const large = { maxBytes: commandsBytes, ...options };
    this.#info ??= readInfo(await this.#connection.call('guest-info', {}, large));
    return this.#info;
  }

  async #count(command: string, options: CallOptions): Promise<number> {
    const value = await this.#connection.call(command, {}, { deadlineMs: fsfreezeDeadlineMs, ...options });
    return integerOf(value, command, 'the number of file systems');
  }
}
