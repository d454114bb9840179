import { KameError } from '../core/errors.ts';
import { adviceFor } from './advice.ts';

export interface EngineEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The end of a process in words. */
export function howItEnded({ code, signal }: EngineEnd): string {
  return signal === null ? `exit code ${code ?? 'unknown'}` : `killed by ${signal}`;
}

/** The error for an engine that ended before its machine was running: how it ended, its last output, and advice. */
export function startFailure(machine: string, end: EngineEnd, words: string): KameError {
  const advice = adviceFor(words);
  const said = words === '' ? 'It printed nothing.' : `Its last output: ${words}`;
  const message = `QEMU ended before ${machine} was running (${howItEnded(end)}). ${said}`;
  const outOfMemory =
    end.signal === 'SIGKILL' && words === ''
      ? {
          next: 'Check the kernel log of the host, then try again: the kernel kills programs when memory runs out.',
        }
      : {};
  return new KameError(advice?.code ?? 'ENGINE_FAILED', message, {
    ...(advice ? { next: advice.next } : outOfMemory),
    details: { machine, exitCode: end.code ?? -1, signal: end.signal ?? '' },
  });
}
