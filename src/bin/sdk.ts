import { createNodeClient, type KameClient } from '../client/node/client.ts';
import { daemonProgram } from './daemon-program.ts';

/** The SDK for programs on this host: `import { connect } from 'kame-vm'`. */

export type { ErrorCode } from '../core/error-kinds.ts';
export { KameError } from '../core/errors.ts';
export type { ProgressReport } from '../core/progress.ts';
export type { Calls } from '../api/generated/routes.ts';
export type * from '../api/generated/shapes.ts';
export type { Client } from '../client/core/client.ts';
export type { CallOptions, TaskOptions } from '../client/core/options.ts';
export type { ClipboardContent, ClipboardReader, ClipboardWriter } from '../client/core/clipboard-channel.ts';
export type { FileChannels, GetStreams, PutResult, PutStreams } from '../client/core/file-channels.ts';
export type { ConsoleConnection, ExecEnd, ExecStreams } from '../client/core/guest-channels.ts';
export type { KameClient };

export interface ConnectOptions {
  /** The directory with all of Kame's files. Default: KAME_HOME, or `.kame` in the user's home directory. */
  readonly home?: string;
  /** Whether to start a daemon if none is running, and to replace one of another version. Default: true. */
  readonly startDaemon?: boolean;
}

/**
 * Connects to the daemon of a home directory.
 * @throws KameError DAEMON_UNREACHABLE, HOST_PROBLEM, FILE_ACCESS
 */
export async function connect({ home, startDaemon = true }: ConnectOptions = {}): Promise<KameClient> {
  const client = createNodeClient({
    env: home === undefined ? process.env : { ...process.env, KAME_HOME: home },
    daemon: startDaemon ? daemonProgram() : undefined,
  });
  await client.daemon.status();
  return client;
}
