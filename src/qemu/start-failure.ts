import { KameError } from '../core/errors.ts';
import { adviceFor } from './advice.ts';

export interface EngineEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

function howItEnded({ code, signal }: EngineEnd): string {
  return signal === null ? `exit status ${code ?? 'unknown'}` : `killed by ${signal}`;
}

/** The error for an engine that ended before its machine ran: how it ended, its last words, and what is known of them. */
export function startFailure(machine: string, end: EngineEnd, words: string): KameError {
  const advice = adviceFor(words);
  const said = words === '' ? 'It said nothing.' : `Its last words: ${words}`;
  const message = `QEMU ended before ${machine} ran (${howItEnded(end)}). ${said}`;
  const outOfMemory =
    end.signal === 'SIGKILL' && words === ''
      ? {
          next: 'Something killed it; when the host is short of memory, its kernel does. Look there, then try again.',
        }
      : {};
  return new KameError(advice?.code ?? 'ENGINE_FAILED', message, {
    ...(advice ? { next: advice.next } : outOfMemory),
    details: { machine, exitCode: end.code ?? -1, signal: end.signal ?? '' },
  });
}
