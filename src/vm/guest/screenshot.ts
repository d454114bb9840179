import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { suspendedIn } from '../../store/names.ts';
import { keptScreen } from '../host/checkpoint-screen.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { takePicture } from '../host/picture.ts';
import { runningMachine } from '../host/state.ts';

/** What was on the display of a suspended machine. */
async function lastScreen(host: Host, reference: string): Promise<Buffer | undefined> {
  const { names, content } = await findBundle(host, reference);
  if (host.running.get(names.vmx)) return undefined;
  const checkpoint = suspendedIn(names, content?.model.suspendedState ?? '');
  return checkpoint && (await keptScreen(checkpoint));
}

/**
 * A screenshot of a machine's first display as PNG; of a suspended machine, what was on it then.
 * @throws KameError WRONG_STATE when it is not running or has no display, ENGINE_TIMEOUT, CANCELLED
 */
export async function screenshot(host: Host, reference: string, signal: AbortSignal): Promise<Buffer> {
  const last = await lastScreen(host, reference);
  if (last) return last;
  const machine = await runningMachine(host, reference);
  const content = (await host.bundles.read(machine.names.vmx)).content;
  if (content && !content.model.display.present) {
    throw new KameError('WRONG_STATE', `${machine.name} has no display.`, {
      next: `kame set ${machine.name} display=on adds one at the next start; kame console ${machine.name} shows the serial console.`,
    });
  }
  const file = join(machine.run.directory, `screen-${randomBytes(4).toString('hex')}.png`);
  const progress = silentProgress(signal);
  await machine.engine.for(progress).requireAnswer();
  try {
    await takePicture(machine, file, progress);
    return await readFile(file);
  } finally {
    await rm(file, { force: true });
  }
}
