import { dirname } from 'node:path';
import type { ByHand } from './by-hand.ts';
import { deleteCopy, judgeCopy } from './judge-copy.ts';
import type { Random } from './random.ts';
import type { Subject } from './subject.ts';

/** What is displaced, by whom. */
interface Scene {
  readonly hand: ByHand;
  readonly subject: Subject;
  /** The bundle of the machine. */
  readonly bundle: string;
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
  /** @param torn whether the files are as a kill has left them */
  readonly run: (scene: Scene, torn: boolean) => Promise<Rest | undefined>;
}

async function copy({ hand, subject, bundle, random, step }: Scene, torn: boolean): Promise<Rest> {
  const made = await hand.copy(bundle, `x${step}`, random.chance(0.5) ? 'home' : 'away');
  return async () => {
    if (!torn) await judgeCopy(made, subject, random);
    await deleteCopy(made, hand, subject);
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
    run: async ({ hand, bundle }) => {
      await hand.link(bundle);
      return undefined;
    },
  },
  {
    name: 'move home',
    weight: 3,
    from: everyState,
    atOnce: true,
    run: async ({ hand }) => {
      await hand.moveHome();
      return undefined;
    },
  },
  { name: 'copy bundle', weight: 3, from: everyState, atOnce: true, run: copy },
  { name: 'rename machine', weight: 3, from: ['stopped'], atOnce: false, run: rename },
];

/** Draws what is done between two kills. */
export function drawDisplacement(random: Random, atOnce: boolean): Displacement {
  return random.weighted(
    displacements.filter((one) => one.atOnce || !atOnce).map((one) => [one, one.weight] as const),
  );
}

/** The bundle of the machine, as it is listed. */
export async function bundleOf(subject: Subject): Promise<string> {
  return dirname((await subject.details()).path);
}
