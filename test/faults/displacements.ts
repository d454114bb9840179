import { dirname } from 'node:path';
import type { ByHand } from './by-hand.ts';
import { deleteCopy, judgeCopy } from './judge-copy.ts';
import type { Clones } from './operations.ts';
import type { Random } from './random.ts';
import type { Subject } from './subject.ts';

/** What is displaced, by whom. */
interface Scene {
  readonly hand: ByHand;
  readonly subject: Subject;
  /** The bundle of the machine. */
  readonly bundle: string;
  /** Whether a linked clone is involved, so that its disks must be linked again. */
  readonly linked: boolean;
  /** Names of clones that may or may not be there: a kill has interrupted their making. */
  readonly clones: readonly string[];
  readonly random: Random;
  readonly step: number;
}

/** What is still to be done once a command has been done afterwards. */
export type Rest = () => Promise<void>;

export interface Displacement {
  readonly name: string;
  readonly weight: number;
  /** States that the machine may have. */
  readonly from: readonly ('stopped' | 'suspended')[];
  /** Whether it can be done without a daemon, while the files are as a kill has left them. */
  readonly atOnce: boolean;
  /** Whether the machine may have a linked clone meanwhile, which must still be one afterwards. */
  readonly withClone: boolean;
  /** @param torn whether the files are as a kill has left them */
  readonly run: (scene: Scene, torn: boolean) => Promise<Rest | undefined>;
}

async function copy({ hand, subject, bundle, clones, random, step }: Scene, torn: boolean): Promise<Rest> {
  const made = await hand.copy(bundle, `x${step}`, random.chance(0.5) ? 'home' : 'away');
  return async () => {
    if (!torn) await judgeCopy(made, subject, random);
    await deleteCopy(made, hand, subject, clones);
  };
}

async function rename({ subject, random, step }: Scene): Promise<undefined> {
  // Back to a name that was used before, every other time.
  const name = random.chance(0.5) && subject.name !== 'm' ? 'm' : `m${step}`;
  await subject.client.machines.rename(subject.name, { name });
  subject.name = name;
}

const everyState = ['stopped', 'suspended'] as const;

/** What a person does to a machine and the home between commands. */
export const displacements: readonly Displacement[] = [
  {
    name: 'move bundle',
    weight: 3,
    from: everyState,
    atOnce: true,
    withClone: true,
    run: async ({ hand, bundle }) => {
      await hand.move(bundle);
      return undefined;
    },
  },
  {
    name: 'link bundle',
    weight: 2,
    from: everyState,
    atOnce: true,
    withClone: true,
    run: async ({ hand, bundle, linked }) => {
      await hand.link(bundle, linked);
      return undefined;
    },
  },
  {
    name: 'move home',
    weight: 3,
    from: everyState,
    atOnce: true,
    withClone: true,
    run: async ({ hand }) => {
      await hand.moveHome();
      return undefined;
    },
  },
  { name: 'copy bundle', weight: 3, from: everyState, atOnce: true, withClone: false, run: copy },
  { name: 'rename machine', weight: 3, from: ['stopped'], atOnce: false, withClone: false, run: rename },
];

/** Draws what is done between two kills. */
export function drawDisplacement(random: Random, atOnce: boolean): Displacement {
  return random.weighted(
    displacements.filter((one) => one.atOnce || !atOnce).map((one) => [one, one.weight] as const),
  );
}

/** The bundle of a machine, as it is listed. */
export async function bundleOf(subject: Subject, name: string): Promise<string> {
  return dirname((await subject.client.machines.show(name)).path);
}

/** Makes a linked clone of a snapshot, every other time. */
export async function maybeClone(
  { withClone }: Displacement,
  subject: Subject,
  random: Random,
  step: number,
): Promise<Clones | undefined> {
  if (!withClone || subject.snapshots.size === 0 || random.chance(0.5)) return undefined;
  const of = random.pick([...subject.snapshots.keys()]);
  const name = `l${step}`;
  await subject.client.machines.clone(subject.name, { name, kind: 'linked', snapshot: of });
  return { kind: 'linked', names: [name], content: { ...subject.known(of).content, memory: null }, of };
}
