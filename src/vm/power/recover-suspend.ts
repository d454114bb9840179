import { contentOf, type Bundle } from '../../store/bundle.ts';
import { removeCheckpoint } from '../../store/checkpoint.ts';
import { checkpointNames, vmStateOf } from '../../store/names.ts';
import type { Host, JournalOf } from '../host/host.ts';
import { livingEngine, resumeUnlessPaused } from '../host/living-engine.ts';

/** Once the `.vmx` refers to the checkpoint, the suspend is finished by ending the engine. Before that it is undone. */
export async function recoverSuspend(
  host: Host,
  bundle: Bundle,
  journal: JournalOf<'suspend'>,
): Promise<void> {
  const machine = await livingEngine(host, bundle);
  const done = contentOf(bundle).model.suspendedState === vmStateOf(bundle.names, journal.checkpoint);
  if (done) {
    await machine?.engine.quit();
    await machine?.ended;
    return;
  }
  await resumeUnlessPaused(machine, journal.paused);
  await removeCheckpoint(checkpointNames(bundle.names, journal.checkpoint));
}
