import type { MachineDetails, MachineState } from '../../src/api/machine.ts';
import type { KameClient } from '../../src/client/node/client.ts';
import type { TestHome } from '../support/home.ts';
import { readContent, writeContent, type Content } from './guest-content.ts';
import type { Random } from './random.ts';
import { Violation } from './violation.ts';

/** A snapshot that was listed, and what it must bring back for ever. */
export interface Known {
  readonly content: Content;
  /** What a revert makes of the machine. */
  readonly state: 'running' | 'paused' | 'stopped';
  /** Of what its disk shows; learned at the first look. */
  hash?: { key: string; value: string };
}

export type Snapshots = ReadonlyMap<string, Known>;

/** The machine that everything is done to, and what is known of it. */
export class Subject {
  readonly #home: TestHome;
  #client: KameClient;
  /** Changes when it is renamed. */
  name = 'm';
  snapshots: Snapshots = new Map();
  /** What the guest has; its memory is null from a stop on. */
  content: Content = { disk: '', memory: null };

  constructor(home: TestHome) {
    this.#home = home;
    this.#client = home.client();
  }

  /** A client has the real path of its home: it needs another one when the home has moved. */
  get client(): KameClient {
    if (this.#client.home !== this.#home.path) this.#client = this.#home.client();
    return this.#client;
  }

  async details(): Promise<MachineDetails> {
    return await this.client.machines.show(this.name);
  }

  async state(): Promise<MachineState> {
    return (await this.details()).state;
  }

  get withMemory(): string[] {
    return [...this.snapshots].filter(([, { state }]) => state !== 'stopped').map(([label]) => label);
  }

  known(label: string): Known {
    const known = this.snapshots.get(label);
    if (!known) throw new Error(`${label} is not known.`);
    return known;
  }

  /** Reads the guest's content; it must be what is expected. */
  async verify(expected: Content, what: string): Promise<void> {
    const found = await readContent(this.client, this.name);
    refuseOther(found, expected, what);
    this.content = found;
  }

  /** Goes to a snapshot and looks whether it is as it was. */
  async verifySnapshot(label: string): Promise<void> {
    const known = this.known(label);
    const { state } = await this.client.snapshots.revert(this.name, label, { start: true });
    if (state !== known.state)
      throw new Violation('revert', `to ${label} left the machine ${state}, not ${known.state}`);
    if (state === 'paused') await this.client.machines.unpause(this.name);
    if (state === 'stopped') await this.client.machines.start(this.name, {});
    await this.verify(known.content, `the snapshot ${label}`);
  }

  /** Has the machine run, the quickest way there is. */
  async run(random: Random): Promise<void> {
    const state = await this.state();
    if (state === 'running') return;
    const labels = this.withMemory.filter((label) => this.known(label).state === 'running');
    if (state === 'paused') await this.client.machines.unpause(this.name);
    else if (labels.length > 0 && state === 'stopped') await this.verifySnapshot(random.pick(labels));
    else {
      // One that was suspended while it was paused is paused again.
      const { state } = await this.client.machines.start(this.name, { wait: 'none' });
      if (state === 'paused') await this.client.machines.unpause(this.name);
    }
  }

  /** Brings the machine into a state, with new content; all of it is on its disk then. */
  async bring(state: 'running' | 'paused' | 'stopped' | 'suspended', random: Random): Promise<void> {
    await this.run(random);
    this.content = await writeContent(this.client, this.name, random, random.chance(0.5));
    if (state === 'paused') await this.client.machines.pause(this.name);
    if (state === 'suspended') await this.client.machines.suspend(this.name);
    if (state !== 'stopped') return;
    await this.client.machines.stop(this.name, { hard: true });
    this.content = { ...this.content, memory: null };
  }
}

/** @throws Violation when something is not what it must be */
export function refuseOther(found: Content, expected: Content, what: string): void {
  if (found.disk !== expected.disk)
    throw new Violation(
      'content',
      `the disk of ${what} is another one:\n${found.disk}\nexpected:\n${expected.disk}`,
    );
  if (found.memory !== expected.memory)
    throw new Violation(
      'content',
      `the memory of ${what} is another one: ${found.memory ?? 'none'}, expected: ${expected.memory ?? 'none'}`,
    );
}
