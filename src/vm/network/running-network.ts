import { rm } from 'node:fs/promises';
import { aborted, pause } from '../../core/deadline.ts';
import { messageOf } from '../../core/errors.ts';
import type { SwitchStatus } from '../../network/switch-config.ts';
import type { NatPlan } from '../../qemu/network/nat-plan.ts';
import type { NetworkRunNames } from '../../store/names.ts';
import { endCompanions, type Companion } from '../companion/companion.ts';
import type { Forward, NetworkKey } from '../../model/network.ts';
import type { ForwardStatus, NetworkStatus, Traffic } from '../host/network-runtime.ts';
import { activeForwards, Forwards } from './active-forwards.ts';
import type { NetworkBook, NetworkEntry } from './network-book.ts';
import { networkText, type Plugged, type PluggedMachine } from './plugged.ts';
import { endOtherNats, ensureNat, ensureSwitch, planKeyOf, processesOf } from './processes.ts';
import type { RunningNat, RunningSwitch, SwitchProgram } from './processes.ts';
import { portId, switchConfigOf } from './switch-config-of.ts';

/** What a running network needs of its surroundings. */
export interface NetworkSurroundings {
  readonly book: NetworkBook;
  readonly switchProgram: SwitchProgram;
  readonly log: (message: string, details?: Record<string, unknown>) => void;
  /** Resolves when all machines that ran before are known; nothing is changed earlier. */
  readonly ready: Promise<void>;
}

/** Milliseconds for one answer of the switch. */
const answerMs = 5000;
/** Milliseconds in which ends of processes count together. */
const lossWindowMs = 30_000;
/** Milliseconds between tries to bring a network up that does not come up: growing, since a start costs the host something. */
const retryMs = [0, 100, 500, 2000, 5000] as const;

/**
 * One network, or one LAN segment, that machines are connected to. Its switch and its NAT are brought into agreement with
 * networks.json and the connected adapters after every change, and whenever one of them ends: one such work at a time, and
 * once more if something changed meanwhile. It ends with its last machine.
 */
export class RunningNetwork {
  readonly key: NetworkKey;
  readonly #names: NetworkRunNames;
  readonly #around: NetworkSurroundings;
  readonly #machines = new Map<string, PluggedMachine>();
  readonly #stop = new AbortController();
  /** Of the present work: it ends early when the last machine goes, or this stops. */
  #attempt = new AbortController();
  #switch: RunningSwitch | null = null;
  #nat: RunningNat | null = null;
  #forwards: Forwards | null = null;
  #trouble: string | null = null;
  #failures = 0;
  /** When a process has ended by itself, lately. */
  #losses: number[] = [];
  /** The work in progress or the last one; another follows it when `#again` is set. */
  #work: Promise<void> = Promise.resolve();
  #again = false;
  #busy = false;

  constructor(key: NetworkKey, names: NetworkRunNames, around: NetworkSurroundings) {
    this.key = key;
    this.#names = names;
    this.#around = around;
  }

  /** Its run directory. */
  get directory(): string {
    return this.#names.directory;
  }

  get isEmpty(): boolean {
    return this.#machines.size === 0;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** Connects a machine by those of its adapters that are in this network, or moves it. */
  plug(machine: PluggedMachine): void {
    this.#machines.set(machine.run, machine);
    this.refresh();
  }

  unplug(run: string): void {
    if (!this.#machines.delete(run)) return;
    // Nobody waits any more for a process that does not come up.
    if (this.isEmpty) this.#attempt.abort();
    this.refresh();
  }

  has(run: string): boolean {
    return this.#machines.has(run);
  }

  /** Brings everything into agreement again; returns at once. */
  refresh(): void {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = true;
    this.#work = this.#run();
  }

  /** Resolves when nothing is left to do, or the last try has failed. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async status(): Promise<NetworkStatus> {
    const limits = { deadlineMs: answerMs };
    const status = await this.#switch?.client.status(limits).catch(() => null);
    const plugged = this.#plugged();
    const { network } = await this.#around.book.entryOf(this.key, []);
    return {
      running: this.#switch !== null,
      switchPid: this.#switch?.pid ?? null,
      natPid: this.#nat?.pid ?? null,
      ports: (status?.ports ?? []).flatMap((port) => {
        const of = plugged.find(({ machine, adapter }) => portId(machine.run, adapter.index) === port.id);
        return of ? [{ ...port, machine: of.machine.name, mac: of.adapter.mac }] : [];
      }),
      leases: status?.leases ?? [],
      forwards: this.#forwardStates(network?.forwards ?? []),
      trouble: this.#trouble,
    };
  }

  /** What each adapter has carried; nothing if the switch does not answer in time. */
  async traffic(deadlineMs: number): Promise<{ readonly run: string; readonly traffic: Traffic }[]> {
    const status = await this.#switch?.client.status({ deadlineMs }).catch(() => null);
    return this.#plugged().flatMap(({ machine: { run }, adapter }) => {
      const port = status?.ports.find(({ id }) => id === portId(run, adapter.index));
      return port ? [{ run, traffic: port }] : [];
    });
  }

  /** Lets go of the processes, which go on. */
  async detach(): Promise<void> {
    this.#stop.abort();
    this.#attempt.abort();
    await this.#work.catch(() => undefined);
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    const nat = this.#nat;
    this.#switch?.client[Symbol.dispose]();
    [this.#switch, this.#nat, this.#forwards] = [null, null, null];
    await nat?.monitor[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    await Promise.race([this.#around.ready, aborted(this.#stop.signal)]);
    while (this.#again && !this.#stop.signal.aborted) {
      this.#again = false;
      this.#attempt = new AbortController();
      try {
        await (this.isEmpty ? this.#end() : this.#agree());
        this.#trouble = null;
        this.#failures = 0;
      } catch (error) {
        if (!this.#attempt.signal.aborted) this.#failed(error);
      }
    }
    this.#busy = false;
  }

  #failed(error: unknown): void {
    const reason = messageOf(error);
    // It may stay so for long, and is tried again and again.
    if (reason !== this.#trouble)
      this.#around.log('A network does not work', { network: networkText(this.key), reason });
    this.#trouble = reason;
    void this.#tryLater(this.#failures);
    this.#failures += 1;
  }

  /** Tries again after a pause. @param failures how often it has failed in a row before */
  async #tryLater(failures: number): Promise<void> {
    await pause(retryMs[Math.min(failures, retryMs.length - 1)] ?? 0, this.#stop.signal);
    if (!this.#stop.signal.aborted) this.refresh();
  }

  #plugged(): Plugged[] {
    return [...this.#machines.values()].flatMap((machine) =>
      machine.adapters.map((adapter) => ({ machine, adapter })),
    );
  }

  async #agree(): Promise<void> {
    const { book } = this.#around;
    const plugged = this.#plugged();
    const entry = await book.entryOf(
      this.key,
      plugged.map(({ adapter }) => adapter.mac),
    );
    const plan = await book.natPlanOf(entry, this.#names.directory, this.#attempt.signal);
    await this.#dropOldNat(plan);
    const complete = this.#switch !== null && (plan === null || this.#nat !== null);
    const running = complete ? [] : await processesOf(this.#names);
    const starts = [this.#ensureSwitch(running), this.#ensureNat(running, plan)] as const;
    // Both, also when one fails: the other must not meet the end of the network in its directory, or the next try.
    await Promise.allSettled(starts);
    const [control, nat] = await Promise.all(starts);
    const forwards = activeForwards(entry.network?.forwards ?? [], plugged, entry.addresses);
    await this.#configure(control, entry, plugged);
    if (nat) await this.#forwards?.apply(forwards, nat.fresh);
    if (nat?.fresh) this.#nat = { ...nat, fresh: false };
  }

  async #configure(
    control: RunningSwitch,
    entry: NetworkEntry,
    plugged: readonly Plugged[],
  ): Promise<SwitchStatus> {
    const labels = await this.#around.book.labels();
    const { directory } = this.#names;
    const config = switchConfigOf({ ...entry, plugged, directory }, labels);
    return await control.client.configure(config, { deadlineMs: answerMs, signal: this.#attempt.signal });
  }

  async #ensureSwitch(running: readonly Companion[]): Promise<RunningSwitch> {
    if (this.#switch) return this.#switch;
    const { switchProgram } = this.#around;
    const text = networkText(this.key);
    const started = await ensureSwitch(this.#names, running, text, switchProgram, this.#attempt.signal);
    this.#switch = started;
    void started.client.closed.then(() => {
      if (this.#switch !== started) return;
      this.#switch = null;
      this.#lost('switch');
    });
    return started;
  }

  /** Lets go of a NAT whose options have changed; the new one ends it. */
  async #dropOldNat(plan: NatPlan | null): Promise<void> {
    const nat = this.#nat;
    if (!nat || (plan && nat.planKey === planKeyOf(plan))) return;
    [this.#nat, this.#forwards] = [null, null];
    await nat.monitor[Symbol.asyncDispose]();
  }

  async #ensureNat(running: readonly Companion[], plan: NatPlan | null): Promise<RunningNat | null> {
    if (this.#nat) return this.#nat;
    if (!plan) {
      await endOtherNats(this.#names, running, null);
      return null;
    }
    const started = await ensureNat(this.#names, running, plan, this.#attempt.signal);
    this.#nat = started;
    this.#forwards = new Forwards(started.monitor, this.#around.book.ownerOf);
    void started.monitor.closed.then(() => {
      if (this.#nat?.monitor !== started.monitor) return;
      [this.#nat, this.#forwards] = [null, null];
      this.#lost('NAT');
    });
    return started;
  }

  /** A process has ended without being asked to. */
  #lost(what: string): void {
    this.#around.log(`The ${what} of a network has ended; it is started again`, {
      network: networkText(this.key),
    });
    const now = performance.now();
    this.#losses = [...this.#losses.filter((at) => now - at < lossWindowMs), now];
    // The first time at once; one that ends again and again must not keep the host busy.
    void this.#tryLater(this.#losses.length - 1);
  }

  async #end(): Promise<void> {
    await this.#letGo();
    await endCompanions(this.#names.directory);
    await rm(this.#names.directory, { recursive: true, force: true });
  }

  #forwardStates(forwards: readonly Forward[]): ForwardStatus[] {
    const waiting = (forward: ForwardStatus['forward']): ForwardStatus => {
      return { forward, state: 'waiting', reason: this.#trouble ?? 'The network does not run.' };
    };
    return forwards.map((forward) => this.#forwards?.statusOf(forward) ?? waiting(forward));
  }
}
