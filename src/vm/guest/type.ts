import { pause } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { keysOf } from '../../qemu/keyboard.ts';
import type { Host } from '../host/host.ts';
import { runningMachine } from '../host/state.ts';

/** Milliseconds that a key is down. */
const holdMs = 15;

/** The keys of a text. @throws KameError INVALID_VALUE for a character that a US keyboard does not have */
function keysOfText(text: string): NonNullable<ReturnType<typeof keysOf>>[] {
  return [...text].map((character) => {
    const keys = keysOf(character);
    if (keys) return keys;
    throw new KameError('INVALID_VALUE', `A US keyboard does not type ${JSON.stringify(character)}.`, {
      next: 'Use ASCII only, or copy the text by the clipboard: kame clipboard set.',
    });
  });
}

/**
 * Types a text on the keyboard of a guest that expects a US keyboard.
 * @throws KameError WRONG_STATE, INVALID_VALUE, ENGINE_TIMEOUT, CANCELLED; some of the text may have been typed then
 */
export async function typeText(
  host: Host,
  reference: string,
  text: string,
  signal: AbortSignal,
): Promise<{ ok: true }> {
  const strokes = keysOfText(text);
  const machine = await runningMachine(host, reference);
  const engine = machine.engine.for(silentProgress(signal));
  for (const keys of strokes) {
    await engine.qmp.execute('send-key', {
      keys: keys.map((data) => ({ type: 'qcode', data })),
      'hold-time': holdMs,
    });
    // QEMU answers at once, and does not tell when the keys are up again. What comes sooner is lost.
    await pause(holdMs * (keys.length + 1), signal);
  }
  return { ok: true };
}
