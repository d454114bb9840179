import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { getBoolean } from '../../vmx/values.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { refuseWithoutAgent } from '../guest/tools-state.ts';
import type { Running } from '../host/running.ts';

/** Keys of VMware that forbid it to copy files between host and guest. */
const forbidding = ['isolation.tools.hgfsServerSet.disable', 'isolation.tools.hgfs.disable'];
const questionMs = 10_000;

/**
 * Checks that files may be copied, and that the guest can take part.
 * @throws KameError WRONG_STATE, GUEST_AGENT_MISSING
 */
export async function requireCopy(bundle: Bundle, machine: Running, progress: Progress): Promise<void> {
  const { document } = contentOf(bundle);
  for (const key of forbidding) {
    if (getBoolean(document, key, false))
      throw new KameError(
        'WRONG_STATE',
        `${key} is TRUE, so that no files are copied into or out of ${machine.name}.`,
        {
          next: `kame set ${machine.name} ${key}=FALSE permits it.`,
          details: { machine: machine.name, key },
        },
      );
  }
  refuseWithoutAgent(machine);
  const streams = await machine.channels.agent.canStream({ deadlineMs: questionMs, ...progress });
  if (!streams)
    throw new KameError(
      'GUEST_AGENT_MISSING',
      `The guest agent of ${machine.name} does not let the host read files, which a copy needs.`,
      { next: 'Allow guest-exec and guest-file-* in its configuration.', details: { machine: machine.name } },
    );
}
