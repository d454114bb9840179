import { fileURLToPath } from 'node:url';
import type { DaemonProgram } from '../client/node/ensure-daemon.ts';

const fromSource = import.meta.url.endsWith('.ts');

/** The daemon's program, in the same directory as this one. */
export const daemonFile = fileURLToPath(new URL(fromSource ? 'kamed.ts' : 'kamed.mjs', import.meta.url));

/**
 * Size of each half of V8's space for new objects, in MiB. V8 lets it grow to tens of megabytes and keeps them. A daemon that
 * is mostly idle needs little: after some creates and starts it uses 86 MB instead of 127 MB.
 */
const smallNursery = '--max-semi-space-size=1';

/** The command that starts the daemon, either as built or from the sources. */
export function daemonProgram(): DaemonProgram {
  const loader = fromSource ? ['--import', import.meta.resolve('tsx')] : [];
  return { command: process.execPath, args: [...loader, smallNursery, daemonFile] };
}
