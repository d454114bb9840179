import { chainOf, diskHash } from './disk-content.ts';
import type { Planned } from './operations.ts';
import type { Struck } from './strike.ts';
import type { Subject } from './subject.ts';
import { Violation } from './violation.ts';

/** Which snapshots are listed tells whether it was done; it is one or the other in full. */
export async function judgeSnapshots(subject: Subject, planned: Planned, struck: Struck): Promise<void> {
  const listed = (await subject.client.snapshots.list(subject.name)).map(({ label }) => label);
  const same = (labels: Iterable<string>) => {
    const expected = [...labels];
    return expected.length === listed.length && expected.every((label) => listed.includes(label));
  };
  const done = planned.snapshots;
  if (done && same(done.keys())) {
    subject.snapshots = done;
    return;
  }
  const mustBeDone = done !== undefined && struck.ending.kind === 'done';
  if (same(subject.snapshots.keys()) && !mustBeDone) return;
  const text = `listed are ${listed.join(', ')}; before it were ${[...subject.snapshots.keys()].join(', ')}`;
  throw new Violation('listed', mustBeDone ? `it was said to be done, but ${text}` : text);
}

/** What the disks of all snapshots show never changes. */
export async function verifyDisks(subject: Subject): Promise<void> {
  for (const [label, known] of subject.snapshots) {
    const { disks } = await subject.client.snapshots.show(subject.name, label);
    const chain = await chainOf(disks[0]!.path);
    if (known.hash?.key === chain.key) continue;
    const value = await diskHash(chain);
    if (known.hash && known.hash.value !== value)
      throw new Violation(
        'disk',
        `the disk of ${label} shows something else: ${chain.files.map(({ path }) => path).join(' on ')}`,
      );
    known.hash = { key: chain.key, value };
  }
}
