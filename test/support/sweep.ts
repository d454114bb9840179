import { KameError } from '../../src/core/errors.ts';
import type { Progress, ProgressReport } from '../../src/core/progress.ts';
import type { Planned } from './fake-engine/trouble.ts';

// The same operation again and again, each time cut at a later point, until nothing is left to cut.

/** How an operation ended: the code of its error, or null. */
export async function outcomeOf(work: Promise<unknown>): Promise<string | null> {
  return await work.then(
    () => null,
    (error: unknown) => {
      if (error instanceof KameError) return error.code;
      throw error;
    },
  );
}

/** A progress that is cancelled when the stage of that number begins. */
function cancelledAt(number: number): { progress: Progress; stage: () => string | undefined } {
  const cancel = new AbortController();
  const stages: string[] = [];
  const report = ({ stage }: ProgressReport): void => {
    if (stages.includes(stage)) return;
    stages.push(stage);
    if (stages.length === number + 1) cancel.abort();
  };
  return { progress: { signal: cancel.signal, report }, stage: () => stages[number] };
}

/** Cancels the operation at each stage that it reports. @returns the stages */
export async function cancelAtEachStage(
  work: (progress: Progress, at: number) => Promise<unknown>,
  check: (cut: { readonly stage: string; readonly code: string | null }) => Promise<void>,
): Promise<string[]> {
  const stages: string[] = [];
  for (let at = 0; ; at += 1) {
    const { progress, stage } = cancelledAt(at);
    const code = await outcomeOf(work(progress, at));
    const cut = stage();
    if (cut === undefined) return stages;
    stages.push(cut);
    await check({ stage: cut, code });
  }
}

/**
 * Has the operation meet trouble at each command of an engine, when that comes for the first time.
 * @param plan plans the trouble for any command that has not been met yet
 * @returns the commands
 */
export async function atEachCommand(
  plan: (met: readonly string[]) => Planned | Promise<Planned>,
  work: (at: number) => Promise<unknown>,
  check: (cut: { readonly command: string; readonly code: string | null }) => Promise<void>,
): Promise<string[]> {
  const met: string[] = [];
  for (;;) {
    const planned = await plan(met);
    const code = await outcomeOf(work(met.length));
    if (planned.met === null) return met;
    met.push(planned.met);
    await check({ command: planned.met, code });
  }
}
