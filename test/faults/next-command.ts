import { poll } from '../../src/core/deadline.ts';
import type { TestHome } from '../support/home.ts';
import type { Leftovers } from './leftovers.ts';
import type { Subject } from './subject.ts';
import { Violation } from './violation.ts';

/** How long a home may take to be as it should be after the next command has ended. */
const cleanDeadlineMs = 10_000;

/** The command after a kill: it works, and what was under way comes to an end. @throws Violation */
export async function nextCommand(home: TestHome, subject: Subject): Promise<void> {
  const { code, stderr } = await home.kame(['list']);
  if (code !== 0) throw new Violation('next command', `kame list ended with ${code}: ${stderr}`);
  // Where the daemon lived on, what was asked for may still be under way.
  let quiet = 0;
  const idle = await poll(
    async () => {
      quiet = (await subject.client.tasks.list()).length === 0 ? quiet + 1 : 0;
      // Twice in a row: a task that ends may be followed by another.
      return quiet === 2 ? true : undefined;
    },
    { deadlineMs: 60_000, stepMs: 20 },
  );
  if (!idle) throw new Violation('hang', 'a task goes on and on after the kill');
}

/** @returns milliseconds until nothing was left over. @throws Violation for what stays */
export async function untilClean(leftovers: Leftovers): Promise<number> {
  const begun = performance.now();
  let last: string[] = [];
  await poll(
    async () => {
      last = await leftovers.find();
      return last.length === 0 ? true : undefined;
    },
    { deadlineMs: cleanDeadlineMs, stepMs: 100 },
  );
  if (last.length > 0) throw new Violation((last[0] as string).split(':')[0] as string, last.join('\n'));
  return performance.now() - begun;
}
