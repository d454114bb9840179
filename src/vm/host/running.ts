import type { ClockKeeper } from '../../guest/identity/clock-keeper.ts';
import type { Engine } from '../../qemu/launch.ts';
import type { MachineNames, RunNames } from '../../store/names.ts';
import type { RunRecord } from '../../store/run-record.ts';
import type { Milestones } from './milestones.ts';
import { closeChannels, type Channels } from './channels.ts';
import { tickWhileFilled, WatchedMap } from './watched-map.ts';

/** What those must know who ask the guest of a new clone. */
export interface NewClone {
  /** Resolves when it has its identity, and so have those that are made with it: their guests are busy until then. */
  readonly identityGiven: Promise<void>;
  /** The address that its source has, and so at first its guest; null if that is not known, or stays. */
  readonly sourceAddress: string | null;
}

/** A machine whose engine runs, as this daemon knows it. A new daemon can restore all of it from disk and the engine. */
export interface Running {
  readonly names: MachineNames;
  readonly run: RunNames;
  readonly name: string;
  readonly id: string;
  readonly engine: Engine;
  readonly channels: Channels;
  /** Where the VNC server of its engine listens. */
  readonly vncSocket: string;
  record: RunRecord;
  state: 'running' | 'paused';
  /** Why the engine paused the guest by itself, such as a full disk; null if it did not. */
  trouble: string | null;
  /** Whether the guest agent answers. */
  agentAnswers: boolean;
  /** What the guest has reached, for those who wait for it. */
  readonly milestones: Milestones;
  /** Of an instant clone that this daemon makes. */
  readonly newClone: NewClone | null;
  /** Resolves when all writes of the record so far are done; see changeRecord. */
  recordWritten: Promise<void>;
  /** The addresses that the networks gave its adapters when the memory was saved from which it was resumed, by MAC. */
  savedAddresses: Readonly<Record<string, string>>;
  /** As last reported by the agent. */
  ip: string | null;
  /** Keeps the guest's clock right. */
  readonly clock: ClockKeeper;
  /** What the log said last of the guest's clock; null if nothing yet. */
  clockNote: string | null;
  /** Why the engine shut down, as it reported; null while it runs, and when it was killed or crashed. */
  shutdown: string | null;
  /** How its engine ended if nobody asked it to; null while it runs. */
  death: string | null;
  /** Resolves when the engine is gone and its lock and sockets are removed. */
  readonly ended: Promise<void>;
}

/** The machines that run, by the path of their `.vmx`. */
export class RunningMachines {
  readonly #machines = new WatchedMap<string, Running>();
  readonly #deaths = new Map<string, string>();

  get size(): number {
    return this.#machines.size;
  }

  /** Calls `tick` at intervals while any machine runs, and `begin` before. */
  tickWhileAny(everyMs: number, tick: () => void, begin?: () => void): Disposable {
    return tickWhileFilled(this.#machines, everyMs, tick, begin);
  }

  get(vmx: string): Running | undefined {
    return this.#machines.get(vmx);
  }

  all(): Running[] {
    return [...this.#machines.values()];
  }

  add(machine: Running): void {
    this.#deaths.delete(machine.names.vmx);
    this.#machines.set(machine.names.vmx, machine);
  }

  /** How the engine of a machine ended unexpectedly, if it did and the machine was not started since. */
  deathOf(vmx: string): string | undefined {
    return this.#deaths.get(vmx);
  }

  /** Records how the engine of a machine ended that this daemon never tracked. */
  noteDeath(vmx: string, death: string): void {
    this.#deaths.set(vmx, death);
  }

  remove(machine: Running): void {
    const { vmx } = machine.names;
    if (this.#machines.get(vmx) === machine) this.#machines.delete(vmx);
    if (machine.death !== null) this.#deaths.set(vmx, machine.death);
  }

  /** Detaches from every engine without ending it: the next daemon adopts them. Nothing of them is written afterwards. */
  async detachAll(): Promise<void> {
    const machines = this.all();
    this.#machines.clear();
    for (const machine of machines) closeChannels(machine.channels);
    await Promise.all(
      machines.map(async (machine) => {
        await machine.engine[Symbol.asyncDispose]();
        await machine.recordWritten;
      }),
    );
  }
}
