import type { MachineState } from '../../src/api/machine.ts';
import type { Snapshot } from '../../src/api/checkpoint.ts';
import type { KameClient } from '../../src/client/node/client.ts';
import type { Content } from './guest-content.ts';
import type { Random } from './random.ts';
import type { Known, Snapshots, Subject } from './subject.ts';

/** Clones that an operation makes, and what they must have. */
export interface Clones {
  readonly kind: 'instant' | 'linked' | 'full';
  readonly names: readonly string[];
  readonly content: Content;
  /** The snapshot that a cold clone has the disk of. */
  readonly of: string | null;
}

/** An operation that is about to be done, and what may be after it. */
export interface Planned {
  readonly name: string;
  /** What a person would type. */
  readonly args: readonly string[];
  readonly call: (client: KameClient) => Promise<unknown>;
  /** Whether an engine takes part. */
  readonly engine: boolean;
  /** States of the machine that are right afterwards when its engine was not killed. */
  readonly states: readonly MachineState[];
  /** What is listed when it was done; without it, what was listed before. */
  readonly snapshots?: Snapshots;
  /** What the machine has when it was done; without it, what it had before. */
  readonly content?: Content;
  /** The state that tells that it was done, where that can't be told from the rest. */
  readonly doneState?: MachineState;
  readonly clones?: Clones;
  /** The name that the machine has when it was done. */
  readonly newName?: string;
}

type Plan = (subject: Subject, random: Random, step: number) => Promise<Planned>;

interface Kind {
  readonly weight: (subject: Subject) => number;
  readonly plan: Plan;
}

/** More snapshots than that only slow the runs down. */
const most = 6;

const room = (weight: number) => (subject: Subject) => (subject.snapshots.size < most ? weight : 0);
const some = (weight: number) => (subject: Subject) => (subject.snapshots.size > 0 ? weight : 0);
const memories = (weight: number) => (subject: Subject) => (subject.withMemory.length > 0 ? weight : 0);
/** One snapshot with memory always stays: going back to it is the quickest way to a machine that runs. */
const deletable = (weight: number) => (subject: Subject) =>
  subject.withMemory.length > 1 ? weight * (subject.snapshots.size >= most ? 4 : 1) : 0;

function take(name: string, from: 'running' | 'paused' | 'stopped', options: readonly string[]): Plan {
  return async (subject, random, step) => {
    await subject.bring(from, random);
    const label = `s${step}`;
    const diskOnly = options.includes('--disk-only');
    const withMemory = from !== 'stopped' && !diskOnly;
    const known: Known = {
      state: withMemory ? from : 'stopped',
      content: withMemory ? subject.content : { ...subject.content, memory: null },
    };
    const quiesce = options.includes('--quiesce');
    return {
      name,
      args: ['snapshot', 'take', subject.name, label, ...options],
      call: async (client) => await client.snapshots.take(subject.name, { label, diskOnly, quiesce }),
      engine: from !== 'stopped',
      states: [from],
      snapshots: new Map([...subject.snapshots, [label, known]]),
    };
  };
}

function revert(name: string, options: { readonly start: boolean; readonly memory: boolean }): Plan {
  return async (subject, random) => {
    await subject.bring(
      random.weighted([
        ['running', 3],
        ['stopped', 1],
        ['suspended', 1],
      ] as const),
      random,
    );
    const from = await subject.state();
    const labels = [...subject.snapshots.keys()].filter(
      (label) => (subject.known(label).state !== 'stopped') === options.memory,
    );
    const label = random.pick(labels);
    const { state, content } = subject.known(label);
    const end = state !== 'stopped' && !options.start ? 'suspended' : state;
    return {
      name,
      args: ['snapshot', 'revert', subject.name, label, ...(options.start ? [] : ['--no-start'])],
      call: async (client) => await client.snapshots.revert(subject.name, label, { start: options.start }),
      engine: from === 'running' || (options.start && options.memory),
      // In between it is without an engine, before or after the change.
      states: [from, end, 'stopped', ...(options.memory ? (['suspended'] as const) : [])],
      content,
    };
  };
}

type Place = 'leaf' | 'middle' | 'root' | 'subtree';

function below(all: readonly Snapshot[], uid: number): Snapshot[] {
  const children = all.filter(({ parent }) => parent === uid);
  return children.flatMap((child) => [child, ...below(all, child.uid)]);
}

function fits(all: readonly Snapshot[], { uid, parent }: Snapshot, place: Place): boolean {
  const hasChildren = below(all, uid).length > 0;
  if (place === 'leaf') return !hasChildren;
  if (place === 'root') return parent === null;
  return hasChildren && (place === 'subtree' || parent !== null);
}

function remove(place: Place): Plan {
  return async (subject, random) => {
    await subject.bring(
      random.weighted([
        ['running', 3],
        ['stopped', 1],
        ['paused', 1],
      ] as const),
      random,
    );
    const all = await subject.client.snapshots.list(subject.name);
    const staying = (gone: readonly string[]) => subject.withMemory.some((label) => !gone.includes(label));
    const goneOf = (snapshot: Snapshot) =>
      [snapshot, ...(place === 'subtree' ? below(all, snapshot.uid) : [])].map(({ label }) => label);
    const possible = all.filter((snapshot) => staying(goneOf(snapshot)));
    const fitting = possible.filter((snapshot) => fits(all, snapshot, place));
    const snapshot = random.pick(fitting.length > 0 ? fitting : possible);
    const gone = goneOf(snapshot);
    const children = place === 'subtree';
    const state = await subject.state();
    return {
      name: `delete ${place}`,
      args: [
        'snapshot',
        'delete',
        subject.name,
        snapshot.label,
        ...(children ? ['--children', '--yes'] : []),
      ],
      call: async (client) => await client.snapshots.delete(subject.name, snapshot.label, { children }),
      engine: state !== 'stopped',
      states: [state],
      snapshots: new Map([...subject.snapshots].filter(([label]) => !gone.includes(label))),
    };
  };
}

const renameSnapshot: Plan = async (subject, random, step) => {
  await subject.bring(random.chance(0.7) ? 'running' : 'stopped', random);
  const label = random.pick([...subject.snapshots.keys()]);
  const to = `r${step}`;
  const state = await subject.state();
  return {
    name: 'rename',
    args: ['snapshot', 'rename', subject.name, label, to],
    call: async (client) => await client.snapshots.edit(subject.name, label, { label: to }),
    engine: state !== 'stopped',
    states: [state],
    snapshots: new Map([...subject.snapshots].map(([old, known]) => [old === label ? to : old, known])),
  };
};

const renameMachine: Plan = async (subject, random, step) => {
  await subject.bring('stopped', random);
  const { name } = subject;
  const newName = `m${step}`;
  return {
    name: 'rename machine',
    args: ['rename', name, newName],
    call: async (client) => await client.machines.rename(name, { name: newName }),
    engine: false,
    states: ['stopped'],
    newName,
  };
};

const suspend: Plan = async (subject, random) => {
  await subject.bring('running', random);
  return {
    name: 'suspend',
    args: ['suspend', subject.name],
    call: async (client) => await client.machines.suspend(subject.name),
    engine: true,
    states: ['running', 'suspended'],
    doneState: 'suspended',
  };
};

const resume: Plan = async (subject, random) => {
  await subject.bring('suspended', random);
  return {
    name: 'resume',
    args: ['start', subject.name],
    call: async (client) => await client.machines.start(subject.name, {}),
    engine: true,
    states: ['running', 'suspended'],
    doneState: 'running',
  };
};

const cloneInstant: Plan = async (subject, random, step) => {
  await subject.bring('running', random);
  const count = random.chance(0.3) ? 2 : 1;
  const name = `c${step}`;
  return {
    name: 'clone instant',
    args: ['clone', subject.name, name, '--instant', '--count', String(count)],
    call: async (client) => await client.machines.clone(subject.name, { name, kind: 'instant', count }),
    engine: true,
    states: ['running'],
    clones: {
      kind: 'instant',
      names: count === 1 ? [name] : [`${name}-1`, `${name}-2`],
      content: subject.content,
      of: null,
    },
  };
};

function cloneCold(kind: 'linked' | 'full'): Plan {
  return async (subject, random, step) => {
    await subject.bring('running', random);
    const snapshot = random.pick([...subject.snapshots.keys()]);
    const name = `c${step}`;
    return {
      name: `clone ${kind}`,
      args: ['clone', subject.name, name, `--${kind}`, '--snapshot', snapshot],
      call: async (client) => await client.machines.clone(subject.name, { name, kind, snapshot }),
      engine: true,
      states: ['running'],
      clones: {
        kind,
        names: [name],
        content: { ...subject.known(snapshot).content, memory: null },
        of: snapshot,
      },
    };
  };
}

const kinds: Readonly<Record<string, Kind>> = {
  'take memory': { weight: room(5), plan: take('take memory', 'running', []) },
  'take disks': { weight: room(2), plan: take('take disks', 'running', ['--disk-only']) },
  'take quiesced': { weight: room(1), plan: take('take quiesced', 'running', ['--disk-only', '--quiesce']) },
  'take paused': { weight: room(1), plan: take('take paused', 'paused', []) },
  'take stopped': { weight: room(2), plan: take('take stopped', 'stopped', []) },
  'revert memory': { weight: memories(4), plan: revert('revert memory', { start: true, memory: true }) },
  'revert no start': { weight: memories(2), plan: revert('revert no start', { start: false, memory: true }) },
  'revert disks': {
    weight: (subject) => (subject.withMemory.length < subject.snapshots.size ? 1.5 : 0),
    plan: revert('revert disks', { start: true, memory: false }),
  },
  'delete leaf': { weight: deletable(1.5), plan: remove('leaf') },
  'delete middle': { weight: deletable(1.5), plan: remove('middle') },
  'delete root': { weight: deletable(1.5), plan: remove('root') },
  'delete subtree': { weight: deletable(0.5), plan: remove('subtree') },
  rename: { weight: some(0.7), plan: renameSnapshot },
  'rename machine': { weight: () => 1.5, plan: renameMachine },
  suspend: { weight: () => 3, plan: suspend },
  resume: { weight: () => 3, plan: resume },
  'clone instant': { weight: () => 4, plan: cloneInstant },
  'clone linked': { weight: some(1.5), plan: cloneCold('linked') },
  'clone full': { weight: some(0.5), plan: cloneCold('full') },
};

/** Draws the next operation and brings the machine into the state that it needs. */
export async function nextOperation(subject: Subject, random: Random, step: number): Promise<Planned> {
  const possible = Object.values(kinds).map(({ weight, plan }) => [plan, weight(subject)] as const);
  return await random.weighted(possible)(subject, random, step);
}
