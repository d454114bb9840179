import { join } from 'node:path/posix';
import { KameError } from '../../core/errors.ts';
import type { HostFacts, PlanSockets } from './types.ts';

/** Maximum length of a socket path without its terminating zero: sun_path has 104 bytes on macOS, 108 on Linux. */
const longest: Record<HostFacts['os'], number> = { darwin: 103, linux: 107 };

/** Checks that a path is not too long for a socket. @throws KameError HOST_PROBLEM naming the path and the limit */
export function checkSocketPath(path: string, os: HostFacts['os']): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= longest[os]) return;
  throw new KameError(
    'HOST_PROBLEM',
    `The socket path ${path} is ${bytes} bytes long; this system allows at most ${longest[os]} bytes.`,
    {
      next: 'Set KAME_HOME to a directory with a shorter path.',
      details: { path, bytes, allowed: longest[os] },
    },
  );
}

/** The sockets of a machine in its run directory. @throws KameError HOST_PROBLEM when a path is too long */
export function socketsIn(run: string, os: HostFacts['os']): PlanSockets {
  const sockets: PlanSockets = {
    qmp: join(run, 'qmp'),
    qmp2: join(run, 'qmp2'),
    qga: join(run, 'qga'),
    vdagent: join(run, 'spice'),
    webdav: join(run, 'webdav'),
    tools: join(run, 'tools'),
    desktop: join(run, 'tools2'),
    serial: join(run, 'serial'),
    vnc: join(run, 'vnc'),
  };
  for (const path of Object.values(sockets)) checkSocketPath(path as string, os);
  return sockets;
}

/**
 * The socket on which the engine listens for the switch of `ethernetN`.
 * @throws KameError HOST_PROBLEM when the path is too long
 */
export function netSocketIn(run: string, index: number, os: HostFacts['os']): string {
  const path = join(run, `net${index}`);
  checkSocketPath(path, os);
  return path;
}

/** The file in which QEMU writes its process id, and which it locks. */
export function pidFileIn(run: string): string {
  return join(run, 'pid');
}
