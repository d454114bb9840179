import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { poll } from '../../src/core/deadline.ts';
import type { RevertedMachine, Snapshot, SuspendedMachine, TakenSnapshot } from '../../src/api/checkpoint.ts';
import type { Machine, MachineDetails, MachineState } from '../../src/api/machine.ts';
import type { CommandResult, TestHome } from './home.ts';

/** One machine of a home, as a test handles it: what is done to it is a command, what is looked at comes from the API. */
export class Guest {
  readonly home: TestHome;
  readonly name: string;

  constructor(home: TestHome, name: string) {
    this.home = home;
    this.name = name;
  }

  get directory(): string {
    return join(this.home.path, 'machines', `${this.name}.vmwarevm`);
  }

  /** A file of the machine. */
  file(...names: string[]): string {
    return join(this.directory, ...names);
  }

  async sh(line: string): Promise<string> {
    return await this.home.sh(this.name, line);
  }

  /** Runs a command in the guest, as a user would. */
  async exec(...command: string[]): Promise<CommandResult> {
    return await this.home.kame(['exec', this.name, '--', ...command]);
  }

  async state(): Promise<MachineState | undefined> {
    const machines = await this.home.ask(async (client) => await client.machines.list());
    return machines.find(({ name }) => name === this.name)?.state;
  }

  async details(): Promise<MachineDetails> {
    return await this.home.ask(async (client) => await client.machines.show(this.name));
  }

  /** Waits until its agent answers, as it does a moment after another daemon has adopted the machine. */
  async answers(): Promise<void> {
    const look = async () => ((await this.details()).agent ? true : undefined);
    if (!(await poll(look, { deadlineMs: 30_000 })))
      throw new Error(`The agent of ${this.name} does not answer.`);
  }

  async start(...more: string[]): Promise<Machine> {
    return await this.home.json<Machine>('start', this.name, ...more);
  }

  async stop(): Promise<void> {
    await this.home.json('stop', this.name, '--hard');
  }

  async pause(): Promise<Machine> {
    return await this.home.json<Machine>('pause', this.name);
  }

  async unpause(): Promise<Machine> {
    return await this.home.json<Machine>('unpause', this.name);
  }

  async suspend(): Promise<SuspendedMachine> {
    return await this.home.json<SuspendedMachine>('suspend', this.name);
  }

  async take(label: string, ...more: string[]): Promise<TakenSnapshot> {
    return await this.home.json<TakenSnapshot>('snapshot', 'take', this.name, label, ...more);
  }

  async revert(label: string, ...more: string[]): Promise<RevertedMachine> {
    return await this.home.json<RevertedMachine>('snapshot', 'revert', this.name, label, ...more);
  }

  async snapshots(): Promise<Snapshot[]> {
    return await this.home.ask(async (client) => await client.snapshots.list(this.name));
  }

  /** Each snapshot's path, the current one marked. */
  async tree(): Promise<string[]> {
    return (await this.snapshots()).map(({ path, current }) => (current ? `${path} *` : path));
  }

  /** The `.vmsd`: its values by key. */
  async vmsd(): Promise<Record<string, string>> {
    const text = await readFile(this.file(`${this.name}.vmsd`), 'utf8');
    return Object.fromEntries(
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [, key = '', value = ''] = /^(\S+) = "(.*)"$/.exec(line) ?? [];
          return [key, value];
        }),
    );
  }

  /** The layer that the machine writes to now. */
  async top(): Promise<string> {
    return (await this.details()).disks[0]?.path ?? '';
  }

  async layers(): Promise<string[]> {
    return (await readdir(this.directory)).filter((name) => name.endsWith('.qcow2')).sort();
  }
}
