import type { Machine } from '../../src/api/machine.ts';
import { chainOf, diskHash } from './disk-content.ts';
import { readContent, type Content } from './guest-content.ts';
import type { Clones, Planned } from './operations.ts';
import type { Random } from './random.ts';
import type { Struck } from './strike.ts';
import { refuseOther, type Subject } from './subject.ts';
import { Violation } from './violation.ts';

/** A clone is there whole, or not at all. @returns whether all are there */
export async function judgeClones(
  subject: Subject,
  planned: Planned,
  struck: Struck,
  random: Random,
): Promise<boolean> {
  const { client } = subject;
  const machines = (await client.machines.list()).filter(({ name }) => name !== subject.name);
  const { clones } = planned;
  const unexpected = machines.find(({ name }) => !clones?.names.includes(name));
  if (unexpected) throw new Violation('listed', `${unexpected.name} is a machine that nobody asked for`);
  if (!clones) return true;
  if (struck.ending.kind === 'done' && machines.length !== clones.names.length)
    throw new Violation('clone', `it was said to be done, but there are ${machines.length} clones`);
  for (const machine of machines) {
    await judgeClone(subject, machine, clones, random);
    if (machine.state !== 'stopped' || (await client.machines.show(machine.name)).state !== 'stopped')
      await client.machines.stop(machine.name, { hard: true });
    await client.machines.delete(machine.name);
  }
  return machines.length === clones.names.length;
}

async function judgeClone(
  subject: Subject,
  { name, state }: Machine,
  clones: Clones,
  random: Random,
): Promise<void> {
  const { client } = subject;
  if (state === 'running') {
    refuseOther(await readContent(client, name), clones.content, `the clone ${name}`);
    return;
  }
  if (state !== 'stopped') throw new Violation('clone', `${name} is ${state}`);
  if (clones.of !== null) {
    const { disks } = await client.machines.show(name);
    const hash = subject.known(clones.of).hash?.value;
    if ((await diskHash(await chainOf(disks[0]!.path))) !== hash)
      throw new Violation('clone', `the disk of ${name} is not that of ${clones.of}`);
  }
  if (random.chance(0.7)) return;
  await client.machines.start(name, {});
  const expected: Content = { ...clones.content, memory: null };
  refuseOther(await readContent(client, name), expected, `the clone ${name}`);
}
