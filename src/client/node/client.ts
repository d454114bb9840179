import type { DaemonStatus } from '../../api/generated/shapes.ts';
import { kameHome, requireOwnHome, socketPath } from '../../sys/home.ts';
import { createClient, type Client } from '../core/client.ts';
import type { CallOptions } from '../core/options.ts';
import { DaemonTransport } from './daemon-transport.ts';
import type { DaemonProgram } from './ensure-daemon.ts';
import { environmentHeaders } from './request-environment.ts';
import { NotListening, UnixTransport } from './unix-transport.ts';

export interface NodeClientOptions {
  /** Its KAME_HOME is the home directory. Proxies and paths of QEMU are sent with each request. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** If given, a daemon is started if none answers, and a daemon of another version is replaced. */
  readonly daemon?: DaemonProgram | undefined;
}

/** A client of the daemon of a home directory on this host. */
export interface KameClient extends Client {
  /** Absolute path of the directory with all of Kame's files. */
  readonly home: string;
  /** Path of the daemon's socket. */
  readonly socket: string;
  /** The status of the daemon, without starting it. */
  daemonStatus(options?: CallOptions): Promise<DaemonStatus>;
  /**
   * Stops the daemon and waits until its socket is closed. Machines keep running.
   * @returns false if no daemon was running
   */
  stopDaemon(options?: CallOptions): Promise<boolean>;
}

/**
 * @throws KameError FILE_ACCESS if the home directory belongs to another user, HOST_PROBLEM if its path is too long for a
 * socket, USAGE for a very long environment
 */
export function createNodeClient({ env, daemon }: NodeClientOptions): KameClient {
  const home = kameHome(env);
  requireOwnHome(home);
  const socket = socketPath(home);
  return {
    ...createClient(new DaemonTransport(home, socket, daemon, environmentHeaders(env))),
    home,
    socket,
    daemonStatus: async (options) => {
      try {
        return await createClient(new UnixTransport(socket)).daemon.status(options);
      } catch (error) {
        if (error instanceof NotListening) return noDaemon(home, socket);
        throw error;
      }
    },
    stopDaemon: async (options) => {
      const { stopDaemon } = await import('./stop-daemon.ts');
      return await stopDaemon(socket, options);
    },
  };
}

function noDaemon(home: string, socket: string): DaemonStatus {
  return {
    running: false,
    pid: null,
    version: null,
    home,
    socket,
    startedAt: null,
    machines: null,
    runningMachines: null,
    rssBytes: null,
  };
}
