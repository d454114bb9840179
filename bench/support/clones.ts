import type { ClonedMachines } from '../../src/api/checkpoint.ts';
import type { ProgressReport } from '../../src/core/progress.ts';
import type { KameClient } from '../../src/client/node/client.ts';
import type { TestHome } from '../../test/support/home.ts';

/** How clones are requested: with the command, as people do, or through the API, as programs do. */
export type Way = 'cli' | 'api';

export interface MadeClones {
  readonly reply: ClonedMachines;
  /** For each clone, milliseconds from the command or request until the first reply of its guest agent. */
  readonly agentMs: readonly number[];
  /** Milliseconds until the process of the command has ended, or the request has been answered. */
  readonly wholeMs: number;
}

interface Wanted {
  readonly source: string;
  readonly name: string;
  readonly count?: number;
  /** Called when the guest agent of the last clone has replied for the first time; only through the API. */
  readonly onAllAnswer?: () => void;
}

async function ask(home: TestHome, way: Way, wanted: Wanted): Promise<ClonedMachines> {
  const { source, name, count = 1, onAllAnswer } = wanted;
  if (way === 'cli')
    return await home.json<ClonedMachines>('clone', source, name, '--instant', '--count', String(count));
  const onProgress = ({ stage, done }: ProgressReport) => {
    if (stage === 'Starting clones' && done === count) onAllAnswer?.();
  };
  return await home.client().machines.clone(source, { name, kind: 'instant', count }, { onProgress });
}

/**
 * Makes instant clones. `startedAt` of a clone is the time when the daemon began to handle the request, and `agentMs`
 * counts from there; the command is timed from before its process starts, by the same clock of the host.
 */
export async function instantClones(home: TestHome, way: Way, wanted: Wanted): Promise<MadeClones> {
  const issuedAt = Date.now();
  const begun = performance.now();
  const reply = await ask(home, way, wanted);
  const wholeMs = performance.now() - begun;
  const [first] = reply.machines;
  const { startedAt } = await home.client().machines.show(first?.name ?? '');
  if (startedAt === null) throw new Error(`${wanted.name} is not running.`);
  const before = Date.parse(startedAt) - issuedAt;
  const agentMs = reply.agentMs.map((ms, index) => {
    if (ms === null) throw new Error(`The agent of ${reply.machines[index]?.name} did not respond.`);
    return before + ms;
  });
  return { reply, agentMs, wholeMs };
}

/** Powers off machines and deletes them. */
export async function discard(client: KameClient, names: readonly string[]): Promise<void> {
  for (const name of names) await client.machines.stop(name, { hard: true });
  for (const name of names) await client.machines.delete(name);
}
