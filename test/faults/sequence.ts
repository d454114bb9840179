import { pause, poll } from '../../src/core/deadline.ts';
import { messageOf } from '../../src/core/errors.ts';
import type { Machine, MachineState } from '../../src/api/machine.ts';
import type { KameClient } from '../../src/client/client.ts';
import { useHome, type TestHome } from '../support/home.ts';
import { chainOf, diskHash } from './disk-content.ts';
import { readContent, type Content } from './guest-content.ts';
import { Leftovers } from './leftovers.ts';
import type { Courses } from './moment.ts';
import { nextOperation, type Clones, type Planned } from './operations.ts';
import { Random } from './random.ts';
import { strike, type Blow, type Struck } from './strike.ts';
import { refuseOther, Subject } from './subject.ts';
import { daemonNow, type Victim } from './victims.ts';
import { Violation } from './violation.ts';

/** What one step did and came to. */
export interface Sample {
  readonly seed: number;
  readonly step: number;
  readonly operation: string;
  readonly victims: readonly Victim[];
  readonly trigger: 'time' | 'event' | 'never';
  /** Milliseconds from the request to the kill; null when nothing was there to be killed. */
  readonly killedAtMs: number | null;
  readonly afterItsEnd: boolean;
  readonly ending: string;
  /** What the next command found; null when a violation came first. */
  outcome: 'done' | 'undone' | null;
  /** Milliseconds after the next command until nothing was left over. */
  cleanMs: number | null;
  /** Of the whole step, with all that is looked at. */
  ms: number;
  violation: { invariant: string; text: string } | null;
}

export interface SequenceOptions {
  readonly seed: number;
  readonly kills: number;
  /** Shared by the sequences of one run: each operation is first left alone once. */
  readonly courses: Courses;
  /** What is left over and known already. */
  readonly ignore?: RegExp | undefined;
  readonly onStep?: (sample: Sample) => void;
  readonly signal?: AbortSignal;
}

export interface SequenceResult {
  readonly seed: number;
  readonly samples: readonly Sample[];
  /** The home is kept, and where it is, when something was wrong. */
  readonly violation: { readonly text: string; readonly home: string } | null;
}

/** How long a home may take to be as it should be after the next command has ended. */
const cleanDeadlineMs = 10_000;
const memory = '192MiB';

const victims: readonly (readonly [item: readonly Victim[], weight: number])[] = [
  [['engine'], 4],
  [['daemon'], 4],
  [['command'], 2],
  [['daemon', 'engine'], 3],
  [['command', 'daemon'], 1],
  [['command', 'daemon', 'engine'], 1],
];

/** What became of an operation. */
interface After {
  readonly outcome: 'done' | 'undone';
  readonly machine: Machine;
}

/** One machine in a home of its own, to which things are done while its programs are killed. */
class Sequence {
  readonly #home: TestHome;
  readonly #client: KameClient;
  readonly #subject: Subject;
  readonly #leftovers: Leftovers;
  readonly #options: SequenceOptions;

  constructor(home: TestHome, options: SequenceOptions) {
    this.#home = home;
    this.#client = home.client();
    this.#subject = new Subject(this.#client);
    this.#leftovers = new Leftovers(this.#client, options.ignore);
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
    await this.#client.snapshots.take(name, { label: 'first' });
    this.#subject.snapshots = new Map([['first', { content: this.#subject.content, state: 'running' }]]);
    await this.#verifyDisks();
    const begun = performance.now();
    await this.#home.json('list');
    this.#options.courses.commandMs = (performance.now() - begun) * 0.8;
  }

  /** Goes to every snapshot. */
  async end(): Promise<void> {
    for (const label of this.#subject.snapshots.keys()) await this.#subject.verifySnapshot(label);
    await this.#untilClean();
  }

  async step(step: number): Promise<Sample> {
    const begun = performance.now();
    const { seed, courses } = this.#options;
    const random = new Random(seed, step);
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
    const sample = this.#sampleOf(step, planned, blow, struck);
    try {
      if (rehearsal && struck.ending.kind !== 'done')
        throw new Violation('operation', `${planned.name} failed undisturbed: ${endingText(struck)}`);
      await this.#look(planned, struck, random, sample);
    } catch (error) {
      const invariant = error instanceof Violation ? error.invariant : 'error';
      sample.violation = { invariant, text: messageOf(error) };
    }
    sample.ms = performance.now() - begun;
    return sample;
  }

  #sampleOf(step: number, planned: Planned, { victims, moment }: Blow, struck: Struck): Sample {
    return {
      seed: this.#options.seed,
      step,
      operation: planned.name,
      victims,
      trigger: victims.length === 0 ? 'never' : moment.kind,
      killedAtMs: struck.killed.length === 0 ? null : struck.killedAtMs,
      afterItsEnd: struck.after,
      ending: endingText(struck),
      outcome: null,
      cleanMs: null,
      ms: 0,
      violation: null,
    };
  }

  /** All that must hold after a kill. */
  async #look(planned: Planned, struck: Struck, random: Random, sample: Sample): Promise<void> {
    await this.#nextCommand();
    sample.cleanMs = await this.#untilClean();
    const machine = await this.#subject.details();
    await this.#judgeSnapshots(planned, struck);
    await this.#verifyDisks();
    const after = await this.#judgeMachine(planned, struck, machine, random);
    const cloned = await this.#judgeClones(planned, struck, random);
    sample.outcome = planned.clones ? (cloned ? 'done' : 'undone') : after.outcome;
    if (planned.snapshots) sample.outcome = this.#subject.snapshots === planned.snapshots ? 'done' : 'undone';
    const labels = [...this.#subject.snapshots].map(
      ([label, { state }]) => [label, state === 'stopped' ? 1 : 8] as const,
    );
    if (labels.length > 0) await this.#subject.verifySnapshot(random.weighted(labels));
  }

  async #nextCommand(): Promise<void> {
    const { code, stderr } = await this.#home.kame(['list']);
    if (code !== 0) throw new Violation('next command', `kame list ended with ${code}: ${stderr}`);
    // Where the daemon lived on, what was asked for may still be under way.
    const idle = await poll(
      async () => {
        if ((await this.#client.tasks()).length > 0) return undefined;
        await pause(20);
        return (await this.#client.tasks()).length === 0 ? true : undefined;
      },
      { deadlineMs: 60_000, stepMs: 20 },
    );
    if (!idle) throw new Violation('hang', 'a task goes on and on after the kill');
  }

  /** @returns milliseconds until nothing was left over */
  async #untilClean(): Promise<number> {
    const begun = performance.now();
    let last: string[] = [];
    await poll(
      async () => {
        last = await this.#leftovers.find();
        return last.length === 0 ? true : undefined;
      },
      { deadlineMs: cleanDeadlineMs, stepMs: 100 },
    );
    if (last.length > 0) throw new Violation((last[0] as string).split(':')[0] as string, last.join('\n'));
    return performance.now() - begun;
  }

  /** Which snapshots are listed tells whether it was done; it is one or the other in full. */
  async #judgeSnapshots(planned: Planned, struck: Struck): Promise<void> {
    const subject = this.#subject;
    const listed = (await this.#client.snapshots.list(subject.name)).map(({ label }) => label);
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
  async #verifyDisks(): Promise<void> {
    for (const [label, known] of this.#subject.snapshots) {
      const { disks } = await this.#client.snapshots.show(this.#subject.name, label);
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

  /** The machine must run or start, with what it had or, after a revert, with what the snapshot has. */
  async #judgeMachine(planned: Planned, struck: Struck, machine: Machine, random: Random): Promise<After> {
    const subject = this.#subject;
    const { state } = machine;
    const withoutEngine: readonly MachineState[] = ['stopped', 'suspended'];
    const allowed = [...planned.states, ...(struck.engineKilled ? withoutEngine : [])];
    if (!allowed.includes(state))
      throw new Violation('state', `the machine is ${state}; right is ${allowed.join(' or ')}`);
    const done = struck.ending.kind === 'done';
    if (done && !struck.engineKilled && planned.doneState !== undefined && state !== planned.doneState)
      throw new Violation('state', `it was said to be done, but the machine is ${state}`);
    const found = await this.#contentNow(state, random);
    const wanted: Content[] =
      done && planned.content
        ? [planned.content]
        : [planned.content, subject.content].filter((one) => one !== undefined);
    const outcome = planned.doneState === undefined || state === planned.doneState ? 'done' : 'undone';
    if (!found) {
      // It is not looked at now; whoever runs it next goes to a snapshot.
      subject.content = { ...subject.content, memory: null };
      return { outcome, machine };
    }
    const fitting = wanted.find(({ disk }) => disk === found.disk);
    if (!fitting) refuseOther(found, wanted[0] as Content, `the machine, ${state} after the kill`);
    const lost = state === 'stopped' && found.memory === null;
    if (!lost) refuseOther(found, fitting as Content, `the machine, ${state} after the kill`);
    subject.content = found;
    if (!planned.content) return { outcome, machine };
    return { outcome: fitting === planned.content ? 'done' : 'undone', machine };
  }

  /** What the guest has; undefined when it would have to be booted, which takes long, and this time is not. */
  async #contentNow(state: MachineState, random: Random): Promise<Content | undefined> {
    const { name } = this.#subject;
    const boots = random.chance(0.5);
    if (state === 'stopped' && !boots) return undefined;
    // Not waiting for the agent: one that was suspended while it was paused is paused again.
    if (state === 'stopped' || state === 'suspended') await this.#client.start(name, { wait: 'none' });
    const now = await this.#subject.state();
    if (now === 'paused') await this.#client.unpause(name);
    return await readContent(this.#client, name);
  }

  /** A clone is there whole, or not at all. @returns whether all are there */
  async #judgeClones(planned: Planned, struck: Struck, random: Random): Promise<boolean> {
    const machines = (await this.#client.list()).filter(({ name }) => name !== this.#subject.name);
    const { clones } = planned;
    const unexpected = machines.find(({ name }) => !clones?.names.includes(name));
    if (unexpected) throw new Violation('listed', `${unexpected.name} is a machine that nobody asked for`);
    if (!clones) return true;
    if (struck.ending.kind === 'done' && machines.length !== clones.names.length)
      throw new Violation('clone', `it was said to be done, but there are ${machines.length} clones`);
    for (const machine of machines) {
      await this.#judgeClone(machine, clones, random);
      if (machine.state !== 'stopped' || (await this.#stateOf(machine.name)) !== 'stopped')
        await this.#client.stop(machine.name, { hard: true });
      await this.#client.delete(machine.name);
    }
    return machines.length === clones.names.length;
  }

  async #stateOf(name: string): Promise<MachineState> {
    return (await this.#client.machine(name)).state;
  }

  async #judgeClone({ name, state }: Machine, clones: Clones, random: Random): Promise<void> {
    if (state === 'running') {
      refuseOther(await readContent(this.#client, name), clones.content, `the clone ${name}`);
      return;
    }
    if (state !== 'stopped') throw new Violation('clone', `${name} is ${state}`);
    if (clones.of !== null) {
      const { disks } = await this.#client.machine(name);
      const hash = this.#subject.known(clones.of).hash?.value;
      if ((await diskHash(await chainOf(disks[0]!.path))) !== hash)
        throw new Violation('clone', `the disk of ${name} is not that of ${clones.of}`);
    }
    if (random.chance(0.7)) return;
    await this.#client.start(name, {});
    const expected: Content = { ...clones.content, memory: null };
    refuseOther(await readContent(this.#client, name), expected, `the clone ${name}`);
  }
}

/** Whether a step killed anyone: not a rehearsal, and not too late for the command. */
export function isKill({ killedAtMs }: Sample): boolean {
  return killedAtMs !== null;
}

function endingText({ ending }: Struck): string {
  return ending.kind === 'failed' ? `failed: ${ending.message}` : ending.kind;
}

/** Runs one sequence. Its home is removed when all is well, and kept as it is when something is wrong. */
export async function runSequence(options: SequenceOptions): Promise<SequenceResult> {
  const home = await useHome();
  const sequence = new Sequence(home, options);
  const samples: Sample[] = [];
  const wrong = (text: string): SequenceResult => {
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
  } catch (error) {
    return wrong(`seed ${options.seed}, after step ${samples.length}: ${messageOf(error)}`);
  }
  await home[Symbol.asyncDispose]();
  return { seed: options.seed, samples, violation: null };
}

/** A step in one line, with what is wrong below it. */
export function textOf(sample: Sample): string {
  const { seed, step, operation, victims, trigger, killedAtMs, afterItsEnd, outcome, ending, cleanMs, ms } =
    sample;
  const when =
    killedAtMs === null
      ? 'nothing'
      : `${killedAtMs.toFixed(0)} ms (${trigger}${afterItsEnd ? ', at its end' : ''})`;
  const who = victims.length === 0 ? 'nobody' : victims.join('+');
  const clean = cleanMs === null ? '' : `, clean after ${cleanMs.toFixed(0)} ms`;
  const line = `seed ${seed} step ${step}: ${operation}, ${who} killed at ${when}; ${ending}; ${outcome ?? 'VIOLATION'}${clean}; ${(ms / 1000).toFixed(1)} s`;
  return sample.violation ? `${line}\n${sample.violation.text}` : line;
}
