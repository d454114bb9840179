import type { DaemonStatus } from '../../api/generated/shapes.ts';
import { kameHome, socketPath } from '../../sys/home.ts';
import { createClient, type Client } from '../core/client.ts';
import type { CallOptions } from '../core/options.ts';
import { DaemonTransport } from './daemon-transport.ts';
import type { DaemonProgram } from './ensure-daemon.ts';
import { NotListening, UnixTransport } from './unix-transport.ts';

export interface NodeClientOptions {
  /** KAME_HOME in it names the home. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** With it, a daemon is started when none answers, and one of another version is replaced. */
  readonly daemon?: DaemonProgram | undefined;
}

/** A client of the daemon of one home on this host. */
export interface KameClient extends Client {
  /** Absolute path of the directory with all of Kame's files. */
  readonly home: string;
  /** Where its daemon listens. */
  readonly socket: string;
  /** Whether a daemon runs, and what it is. Starts none. */
  daemonStatus(options?: CallOptions): Promise<DaemonStatus>;
  /**
   * Ends the daemon and waits until it listens no more. Machines keep running.
   * @returns false when none listened
   */
  stopDaemon(options?: CallOptions): Promise<boolean>;
}

/** @throws KameError HOST_PROBLEM when the home's path is too long for a socket */
export function createNodeClient({ env, daemon }: NodeClientOptions): KameClient {
  const home = kameHome(env);
  const socket = socketPath(home);
  const asIs = createClient(new UnixTransport(socket));
  return {
    ...createClient(new DaemonTransport(home, socket, daemon)),
    home,
    socket,
    daemonStatus: async (options) => {
      try {
        return await asIs.daemon.status(options);
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
