import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Machine, MachineDetails } from '../../src/api/machine.ts';
import { poll } from '../../src/core/deadline.ts';
import type { KameClient } from '../../src/client/node/client.ts';
import { homeNames, runNames } from '../../src/store/names.ts';
import type { ByHand } from './by-hand.ts';
import { chainOf, checkLayer, stampOf } from './disk-content.ts';
import type { Subject } from './subject.ts';
import { processesOf } from './victims.ts';

/** Files that a machine's directory may have beside layers and checkpoints. */
const ordinary = /^(?:.+\.(?:vmx|vmsd|nvram|log)|kernel|initrd|seed\.iso)$/;
const checkpointFiles = new Set(['state', 'ram', 'engine.json', 'machine.vmx', 'nvram', 'screen.png']);
const unfinished = /\.(?:tmp|part|stale|creating|deleting)$|^operation\.json$|\.operation\.json$/;

/** Milliseconds that the processes of a network have to end. */
const networkEndMs = 15_000;

/** Whether a run directory is that of a network. */
const isOfNetwork = (name: string) => name.startsWith('net-');

async function list(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => []);
}

const runs = ({ state }: Machine) => state === 'running' || state === 'paused';

/** What a home has that nothing needs, or lacks; each in words. Machines may run, but nothing may be done to them. */
export class Leftovers {
  readonly #subject: Subject;
  readonly #hand: ByHand;
  readonly #ignore: RegExp | undefined;
  /** Layers that were found good, by the state of the file. */
  readonly #good = new Set<string>();

  /** @param ignore what is known already, to find what is not */
  constructor(subject: Subject, hand: ByHand, ignore?: RegExp) {
    this.#subject = subject;
    this.#hand = hand;
    this.#ignore = ignore;
  }

  get #client(): KameClient {
    return this.#subject.client;
  }

  get #home(): string {
    return this.#client.home;
  }

  async find(): Promise<string[]> {
    const machines = await this.#client.machines.list();
    const details = await Promise.all(
      machines.map(async ({ path }) => await this.#client.machines.show(path)),
    );
    const found = [
      await this.#inMachines(details),
      ...(await Promise.all(details.map(async (machine) => await this.#inBundle(machine)))),
      await this.#ofRunning(details),
      this.#processes(details),
    ]
      .flat()
      .filter((text) => !this.#ignore?.test(text));
    // Damage is looked for once the rest is as it should be: until then, somebody may still be at work.
    return found.length > 0 ? found : await this.#damage(details);
  }

  async #inMachines(machines: readonly MachineDetails[]): Promise<string[]> {
    const known = new Set(machines.map(({ path }) => dirname(path)));
    const bundles = await this.#hand.bundles();
    const targets = await Promise.all(bundles.map(async (path) => await realpath(path).catch(() => path)));
    const extra = bundles.filter((_, at) => !known.has(targets[at] as string));
    const home = (await list(this.#home)).filter((name) => unfinished.test(name));
    const operations = await list(homeNames(this.#home).operations);
    return [
      ...extra.map((path) => `file: ${path} is no machine’s`),
      ...home.map((name) => `file: ${name} is left`),
      ...operations.map((name) => `file: operations/${name} is left`),
    ];
  }

  async #inBundle(machine: MachineDetails): Promise<string[]> {
    if (machine.state === 'broken')
      return [`broken: ${machine.name}: ${machine.problems.map(({ message }) => message).join('; ')}`];
    const directory = dirname(machine.path);
    const snapshots = await this.#client.snapshots.list(machine.path);
    const shown = await Promise.all(
      snapshots.map(async ({ uid }) => await this.#client.snapshots.show(machine.path, `#${uid}`)),
    );
    const problems = shown.flatMap(({ label, problems }) =>
      problems.map((problem) => `snapshot: ${machine.name}/${label}: ${problem}`),
    );
    const tops = [...machine.disks, ...shown.flatMap(({ disks }) => disks)].map(({ path }) => path);
    const needed = new Set<string>();
    for (const top of new Set(tops)) {
      try {
        for (const { path } of (await chainOf(top)).files) needed.add(path);
      } catch (error) {
        problems.push(`layer: ${top}: ${(error as Error).message}`);
      }
    }
    for (const name of await list(directory)) {
      if (name.endsWith('.qcow2') && !unfinished.test(name)) {
        if (!needed.has(join(directory, name)))
          problems.push(`layer: ${machine.name}/${name} is needed by nothing`);
      } else if (name === 'lock' || name === 'vmware.log' || name.endsWith('.vmx.lck')) {
        if (!runs(machine)) problems.push(`lock: ${machine.name} is ${machine.state}, and has ${name}`);
      } else if (name !== 'checkpoints' && (unfinished.test(name) || !ordinary.test(name))) {
        problems.push(`file: ${machine.name}/${name} is left`);
      }
    }
    return [
      ...problems,
      ...(await this.#inCheckpoints(machine, new Map(shown.map((one) => [String(one.uid), one.memory])))),
    ];
  }

  async #inCheckpoints(machine: MachineDetails, listed: ReadonlyMap<string, boolean>): Promise<string[]> {
    const checkpoints = join(dirname(machine.path), 'checkpoints');
    const names = await list(checkpoints);
    const inside = await Promise.all(
      names.map(async (id) => {
        const files = (await list(join(checkpoints, id))).filter((name) => !checkpointFiles.has(name));
        return files.map((name) => `file: ${machine.name}/checkpoints/${id}/${name} is left`);
      }),
    );
    const extra = names.filter(
      (id) => !listed.has(id) && !(machine.state === 'suspended' && id.startsWith('s-')),
    );
    return [
      ...extra.map((id) => `checkpoint: ${machine.name}/checkpoints/${id} is listed by nothing`),
      ...inside.flat(),
    ];
  }

  /** Run directories, and memory files. */
  async #ofRunning(machines: readonly MachineDetails[]): Promise<string[]> {
    const names = homeNames(this.#home);
    const keys = new Map(
      machines.map((machine) => [basename(runNames(names, machine.path).directory), machine]),
    );
    await this.#untilNetworksEnd(machines);
    const stray = (await list(names.run)).filter((key) => {
      const machine = keys.get(key);
      return isOfNetwork(key) ? !machines.some(runs) : !machine || !runs(machine);
    });
    const memory = (await list(names.ram)).filter((name) => {
      const [key = '', ...rest] = name.split('.');
      const machine = keys.get(key);
      return !machine || !runs(machine) || rest.join('.') !== 'ram';
    });
    return [
      ...stray.map((key) => `run: run/${key} of ${keys.get(key)?.name ?? 'nobody'} is left`),
      ...memory.map(
        (name) =>
          `memory: ${join(names.ram, name)} of ${keys.get(name.slice(0, 8))?.name ?? 'nobody'} is left`,
      ),
    ];
  }

  /** A network ends a moment after its last machine. */
  async #untilNetworksEnd(machines: readonly MachineDetails[]): Promise<void> {
    if (machines.some(runs)) return;
    const { run } = homeNames(this.#home);
    const ended = async () => ((await list(run)).some(isOfNetwork) ? undefined : true);
    await poll(ended, { deadlineMs: networkEndMs });
  }

  #processes(machines: readonly MachineDetails[]): string[] {
    const ofNetworks = (args: readonly string[]) =>
      machines.some(runs) && args.some((arg) => arg.includes(join(this.#home, 'run', 'net-')));
    const expected = new Set(machines.filter(runs).map(({ pid }) => pid));
    const daemons = processesOf(this.#home).filter(({ args }) =>
      args.some((arg) => arg.endsWith('kamed.mjs')),
    );
    const others = processesOf(this.#home).filter(
      ({ pid, args }) =>
        !expected.has(pid) && !ofNetworks(args) && !args.some((arg) => /kamed?\.mjs$/.test(arg)),
    );
    return [
      ...(daemons.length > 1 ? [`process: ${daemons.length} daemons run`] : []),
      ...others.map(({ pid, args }) => `process: ${pid} is left: ${args.slice(0, 6).join(' ')}`),
    ];
  }

  /** What a check of the layers finds that no engine writes to. */
  async #damage(machines: readonly MachineDetails[]): Promise<string[]> {
    const written = new Set(machines.filter(runs).flatMap(({ disks }) => disks.map(({ path }) => path)));
    const problems: string[] = [];
    for (const { path } of machines) {
      const directory = dirname(path);
      for (const name of (await list(directory)).filter((name) => name.endsWith('.qcow2'))) {
        const layer = join(directory, name);
        const stamp = await stampOf(layer);
        if (written.has(layer) || this.#good.has(stamp)) continue;
        const problem = await checkLayer(layer);
        if (problem === undefined) this.#good.add(stamp);
        else problems.push(`check: ${relative(this.#home, layer)}: ${problem}`);
      }
    }
    return problems;
  }
}
