import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../src/core/errors.ts';
import type { TestHome } from '../support/home.ts';
import { ByHand } from './by-hand.ts';
import { bundleOf, drawDisplacement, maybeClone, type Rest } from './displacements.ts';
import { judgeClones } from './judge-clones.ts';
import { judgeMachine } from './judge-machine.ts';
import { judgeSnapshots, verifyDisks } from './judge-snapshots.ts';
import { Leftovers } from './leftovers.ts';
import type { Courses } from './moment.ts';
import { nextCommand, untilClean } from './next-command.ts';
import { nextOperation, type Clones, type Planned } from './operations.ts';
import { Random } from './random.ts';
import { endingText, isKill, sampleOf, textOf, type Sample } from './sample.ts';
import { strike, type Blow, type Struck } from './strike.ts';
import { Subject } from './subject.ts';
import { daemonNow, enginesNow, type Victim } from './victims.ts';
import { Violation } from './violation.ts';

export interface SequenceOptions {
  readonly seed: number;
  readonly kills: number;
  /** Shared by the sequences of one run: each operation is first left alone once. */
  readonly courses: Courses;
  /** Whether bundles and homes are moved, linked, copied and renamed between kills. */
  readonly displaces: boolean;
  /** What is left over and known already. */
  readonly ignore?: RegExp | undefined;
  readonly onStep?: (sample: Sample) => void;
  readonly signal?: AbortSignal;
}

export interface SequenceResult {
  readonly seed: number;
  readonly samples: readonly Sample[];
  /** What was wrong, and where the files of the home are. */
  readonly violation: { readonly text: string; readonly home: string } | null;
}

const memory = '192MiB';

const victims: readonly (readonly [item: readonly Victim[], weight: number])[] = [
  [['engine'], 4],
  [['daemon'], 4],
  [['command'], 2],
  [['daemon', 'engine'], 3],
  [['command', 'daemon'], 1],
  [['command', 'daemon', 'engine'], 1],
];

/** How many of the steps displace the machine or the home and kill nobody. */
const displacedShare = 0.2;
/** And how often it happens right after a kill, where that is possible. */
const atOnceShare = 0.6;

const undisturbed = { args: [], call: async () => await Promise.resolve(), engine: false };
const unhurt: Struck = {
  killedAtMs: null,
  after: true,
  ending: { kind: 'done' },
  killed: [],
  engineKilled: false,
  ms: 0,
  events: 0,
};

function violationOf(error: unknown): { invariant: string; text: string } {
  const invariant = error instanceof Violation ? error.invariant : 'error';
  return { invariant, text: messageOf(error) };
}

/** One machine in a home of its own, to which things are done while its programs are killed. */
class Sequence {
  readonly #home: TestHome;
  readonly #subject: Subject;
  readonly #hand: ByHand;
  readonly #leftovers: Leftovers;
  readonly #options: SequenceOptions;

  constructor(home: TestHome, options: SequenceOptions) {
    this.#home = home;
    this.#subject = new Subject(home);
    this.#hand = new ByHand(home);
    this.#leftovers = new Leftovers(this.#subject, this.#hand, options.ignore);
    this.#options = options;
  }

  async begin(): Promise<void> {
    const { name } = this.#subject;
    await this.#home.json(
      'create',
      name,
      '--image',
      'tiny',
      '--arch',
      'aarch64',
      '--memory',
      memory,
      '--cpus',
      '1',
    );
    await this.#home.json('start', name);
    const random = new Random(this.#options.seed);
    await this.#subject.bring('running', random);
    await this.#subject.client.snapshots.take(name, { label: 'first' });
    this.#subject.snapshots = new Map([['first', { content: this.#subject.content, state: 'running' }]]);
    await verifyDisks(this.#subject);
    const begun = performance.now();
    await this.#home.json('list');
    this.#options.courses.commandMs = (performance.now() - begun) * 0.8;
  }

  /** Goes to every snapshot. */
  async end(): Promise<void> {
    for (const label of this.#subject.snapshots.keys()) await this.#subject.verifySnapshot(label);
    await untilClean(this.#leftovers);
  }

  /** Removes what is not in the home. */
  async clear(): Promise<void> {
    await rm(this.#hand.away, { recursive: true, force: true });
  }

  async step(step: number): Promise<Sample> {
    const begun = performance.now();
    const { seed, courses } = this.#options;
    const random = new Random(seed, step);
    if (this.#options.displaces && random.chance(displacedShare)) return await this.#displace(step, random);
    const planned = await nextOperation(this.#subject, random, step);
    const rehearsal = !courses.knows(planned.name);
    const drawn = random.weighted(victims).filter((one) => one !== 'engine' || planned.engine);
    const blow: Blow = {
      victims: rehearsal ? [] : drawn.length > 0 ? drawn : ['daemon'],
      moment: courses.draw(planned.name, random, drawn.includes('command')),
      which: random.next(),
    };
    const before = await this.#subject.details();
    const daemon = daemonNow(this.#home.path);
    if (daemon === undefined) throw new Violation('daemon', 'no daemon runs before the step');
    const struck = await strike(
      planned,
      rehearsal ? { ...blow, moment: { kind: 'never' } } : blow,
      this.#home,
      {
        vmx: before.path,
        daemon,
      },
    );
    if (struck.after && struck.ending.kind === 'done') {
      const ms = struck.ms - (blow.victims.includes('command') ? courses.commandMs : 0);
      courses.learn(planned.name, { ms: Math.max(1, ms), events: struck.events });
    }
    const sample = sampleOf({ seed, step }, planned, blow, struck);
    try {
      if (rehearsal && struck.ending.kind !== 'done')
        throw new Violation('operation', `${planned.name} failed undisturbed: ${endingText(struck)}`);
      const rest = await this.#displaceAtOnce(dirname(before.path), planned.clones, random, sample);
      await this.#look(planned, struck, random, sample, rest);
    } catch (error) {
      sample.violation = violationOf(error);
    }
    sample.ms = performance.now() - begun;
    return sample;
  }

  /** A step in which nobody is killed: somebody moves, renames, copies or links the bundle or the home. */
  async #displace(step: number, random: Random): Promise<Sample> {
    const begun = performance.now();
    const displacement = drawDisplacement(random, false);
    const state = random.pick(displacement.from);
    await this.#subject.bring(state, random);
    const clones = await maybeClone(displacement, this.#subject, random, step);
    // Either side of a linked clone can be moved.
    const moved = random.pick([this.#subject.name, ...(clones?.names ?? [])]);
    const scene = {
      ...this.#scene(random, step),
      bundle: await bundleOf(this.#subject, moved),
      linked: clones !== undefined,
    };
    const name = `${displacement.name}${clones ? (moved === this.#subject.name ? ' with a clone' : ' of a clone') : ''}`;
    const planned: Planned = { ...undisturbed, name, states: [state], ...(clones ? { clones } : {}) };
    const nobody: Blow = { victims: [], moment: { kind: 'never' }, which: 0 };
    const sample = sampleOf({ seed: this.#options.seed, step }, planned, nobody, unhurt);
    try {
      const rest = await displacement.run(scene, false);
      await rest?.();
      await this.#look(planned, unhurt, random, sample);
    } catch (error) {
      sample.violation = violationOf(error);
    }
    sample.ms = performance.now() - begun;
    return sample;
  }

  #scene(random: Random, step: number, clones?: Clones) {
    return { hand: this.#hand, subject: this.#subject, random, step, clones: clones?.names ?? [] };
  }

  /** Displaces the bundle or the home as the kill has left it, if no engine and no daemon lives. */
  async #displaceAtOnce(
    bundle: string,
    clones: Clones | undefined,
    random: Random,
    sample: Sample,
  ): Promise<Rest | undefined> {
    if (!this.#options.displaces || sample.operation === 'rename machine') return undefined;
    const home = this.#home.path;
    const lives = daemonNow(home) !== undefined || enginesNow(home).length > 0;
    if (lives || !random.chance(atOnceShare)) return undefined;
    const { name, run } = drawDisplacement(random, true);
    sample.displaced = name;
    return await run({ ...this.#scene(random, sample.step, clones), bundle, linked: false }, true);
  }

  /** All that must hold after a kill. */
  async #look(planned: Planned, struck: Struck, random: Random, sample: Sample, rest?: Rest): Promise<void> {
    await nextCommand(this.#home, this.#subject);
    const renamed = await this.#learnName(planned, struck);
    await rest?.();
    sample.cleanMs = await untilClean(this.#leftovers);
    const state = await this.#subject.state();
    await judgeSnapshots(this.#subject, planned, struck);
    await verifyDisks(this.#subject);
    const outcome = await judgeMachine(this.#subject, planned, struck, state, random);
    const cloned = await judgeClones(this.#subject, planned, struck, random);
    sample.outcome = planned.clones ? (cloned ? 'done' : 'undone') : outcome;
    if (planned.newName !== undefined) sample.outcome = renamed ? 'done' : 'undone';
    if (planned.snapshots) sample.outcome = this.#subject.snapshots === planned.snapshots ? 'done' : 'undone';
    const labels = [...this.#subject.snapshots].map(
      ([label, { state }]) => [label, state === 'stopped' ? 1 : 8] as const,
    );
    if (labels.length > 0) await this.#subject.verifySnapshot(random.weighted(labels));
  }

  /** Which name a machine has that was being renamed. @returns whether it is the new one */
  async #learnName({ newName }: Planned, { ending }: Struck): Promise<boolean> {
    if (newName === undefined) return false;
    const names = (await this.#subject.client.machines.list()).map(({ name }) => name);
    const renamed = names.includes(newName);
    if (ending.kind === 'done' && !renamed)
      throw new Violation('rename', `it was said to be done, but listed are ${names.join(', ')}`);
    if (renamed) this.#subject.name = newName;
    return renamed;
  }
}

/** Runs one sequence in a home, whose files stay when something is wrong. */
export async function runSequence(home: TestHome, options: SequenceOptions): Promise<SequenceResult> {
  const sequence = new Sequence(home, options);
  const samples: Sample[] = [];
  const wrong = (text: string): SequenceResult => {
    home.keepFiles();
    return { seed: options.seed, samples, violation: { text, home: home.path } };
  };
  try {
    await sequence.begin();
    let kills = 0;
    for (let step = 1; kills < options.kills && !options.signal?.aborted; step += 1) {
      const sample = await sequence.step(step);
      samples.push(sample);
      options.onStep?.(sample);
      if (sample.violation) return wrong(textOf(sample));
      if (isKill(sample)) kills += 1;
    }
    await sequence.end();
    await sequence.clear();
  } catch (error) {
    return wrong(`seed ${options.seed}, after step ${samples.length}: ${messageOf(error)}`);
  }
  return { seed: options.seed, samples, violation: null };
}
