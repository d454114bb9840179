import type { MachineState } from '../../src/api/machine.ts';
import { readContent, type Content } from './guest-content.ts';
import type { Planned } from './operations.ts';
import type { Random } from './random.ts';
import type { Struck } from './strike.ts';
import { refuseOther, type Subject } from './subject.ts';
import { Violation } from './violation.ts';

/**
 * The machine must run or start, with what it had or, after a revert, with what the snapshot has.
 * @returns what it tells of the operation
 */
export async function judgeMachine(
  subject: Subject,
  planned: Planned,
  struck: Struck,
  state: MachineState,
  random: Random,
): Promise<'done' | 'undone'> {
  const withoutEngine: readonly MachineState[] = ['stopped', 'suspended'];
  const allowed = [...planned.states, ...(struck.engineKilled ? withoutEngine : [])];
  if (!allowed.includes(state))
    throw new Violation('state', `the machine is ${state}; right is ${allowed.join(' or ')}`);
  const done = struck.ending.kind === 'done';
  if (done && !struck.engineKilled && planned.doneState !== undefined && state !== planned.doneState)
    throw new Violation('state', `it was said to be done, but the machine is ${state}`);
  const found = await contentNow(subject, state, random);
  const wanted: Content[] =
    done && planned.content
      ? [planned.content]
      : [planned.content, subject.content].filter((one) => one !== undefined);
  const outcome = planned.doneState === undefined || state === planned.doneState ? 'done' : 'undone';
  if (!found) {
    // It is not looked at now; whoever runs it next goes to a snapshot.
    subject.content = { ...subject.content, memory: null };
    return outcome;
  }
  const fitting = wanted.find(({ disk }) => disk === found.disk);
  if (!fitting) refuseOther(found, wanted[0] as Content, `the machine, ${state} after the kill`);
  const lost = state === 'stopped' && found.memory === null;
  if (!lost) refuseOther(found, fitting as Content, `the machine, ${state} after the kill`);
  subject.content = found;
  if (!planned.content) return outcome;
  return fitting === planned.content ? 'done' : 'undone';
}

/** What the guest has; undefined when it would have to be booted, which takes long, and this time is not. */
async function contentNow(
  subject: Subject,
  state: MachineState,
  random: Random,
): Promise<Content | undefined> {
  const { client, name } = subject;
  const boots = random.chance(0.5);
  if (state === 'stopped' && !boots) return undefined;
  // Not waiting for the agent: one that was suspended while it was paused is paused again.
  if (state === 'stopped' || state === 'suspended') await client.machines.start(name, { wait: 'none' });
  const now = await subject.state();
  if (now === 'paused') await client.machines.unpause(name);
  return await readContent(client, name);
}
