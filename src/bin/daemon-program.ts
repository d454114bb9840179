import { fileURLToPath } from 'node:url';
import type { DaemonProgram } from '../client/node/ensure-daemon.ts';

const fromSource = import.meta.url.endsWith('.ts');

/** The daemon's program beside this one. */
export const daemonFile = fileURLToPath(new URL(fromSource ? 'kamed.ts' : 'kamed.mjs', import.meta.url));

/**
 * V8 lets the space for new objects grow to tens of megabytes and keeps it. A daemon that mostly waits does as well with
 * little: after some creates and starts it holds 86 MB instead of 127 MB. MiB of one half.
 */
const smallNursery = '--max-semi-space-size=1';

/** How the daemon beside this program is started: built, or from the sources. */
export function daemonProgram(): DaemonProgram {
  const loader = fromSource ? ['--import', import.meta.resolve('tsx')] : [];
  return { command: process.execPath, args: [...loader, smallNursery, daemonFile] };
}
