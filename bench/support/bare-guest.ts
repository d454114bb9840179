import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { LaunchPlanReply } from '../../src/api/machine.ts';
import { GuestAgent } from '../../src/guest/agent/agent.ts';
import type { TestHome } from '../../test/support/home.ts';
import { agentReply, startBare, type BareCommand, type BareEngine } from './bare-engine.ts';
import type { BenchGuest } from './guests.ts';
import { Monitor } from './monitor.ts';
import { bareCommandOf } from './tiny-machine.ts';

/** Short, because the agent of a restored guest may send its first reply before there is a listener. */
const resendMs = 20;
const settleMs = 180_000;

/** Replaces the value after each `option`; null removes both. */
function mapValues(
  args: readonly string[],
  option: string,
  change: (value: string) => string | null,
): string[] {
  return args.flatMap((arg, at) => {
    if (arg === option) return change(args[at + 1] ?? '') === null ? [] : [arg];
    if (at === 0 || args[at - 1] !== option) return [arg];
    const value = change(arg);
    return value === null ? [] : [value];
  });
}

interface FlashNode {
  readonly driver: string;
  readonly 'node-name': string;
  readonly 'read-only': boolean;
  readonly file: { readonly filename: string };
}

/** Internal snapshots of QEMU require everything that the guest writes to as qcow2, including the EFI variables. */
function variablesAsQcow2(value: string, directory: string): string {
  const node = JSON.parse(value) as FlashNode;
  if (node['node-name'] !== 'pflash1' || node.driver !== 'raw') return value;
  const filename = join(directory, 'variables.qcow2');
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', node.file.filename, filename]);
  return JSON.stringify({ driver: 'qcow2', 'node-name': 'pflash1', file: { driver: 'file', filename } });
}

/** The command of a plan, adapted for `savevm`: the same devices, anonymous RAM, and everything in qcow2. */
export function savableCommandOf(plan: LaunchPlanReply, directory: string): BareCommand {
  const command = bareCommandOf(plan, directory);
  const plainRam = mapValues(command.args, '-object', (value) =>
    value.includes('"memory-backend-file"') ? null : value,
  );
  const plainMachine = mapValues(plainRam, '-machine', (value) => value.replace(',memory-backend=ram0', ''));
  const args = mapValues(plainMachine, '-blockdev', (value) => variablesAsQcow2(value, directory));
  return { ...command, args };
}

/**
 * The node on which `savevm` and `-loadvm` store the state: the first one, which is that of the EFI variables, if any.
 */
function stateNode(nodes: readonly string[]): string | undefined {
  return nodes.find((node) => node === 'pflash1') ?? nodes[0];
}

/** A guest in a QEMU without Kame, and its internal snapshots. */
export class BareGuest implements AsyncDisposable {
  readonly agentMs: number;
  readonly #command: BareCommand;
  readonly #engine: BareEngine;
  readonly #monitor: Monitor;

  private constructor(command: BareCommand, engine: BareEngine, monitor: Monitor) {
    this.agentMs = engine.agentMs;
    this.#command = command;
    this.#engine = engine;
    this.#monitor = monitor;
  }

  /** Starts the guest. @param snapshot start from this snapshot, with `-loadvm` */
  static async start(command: BareCommand, signal: AbortSignal, snapshot?: string): Promise<BareGuest> {
    const more = snapshot === undefined ? [] : ['-loadvm', snapshot];
    const options = snapshot === undefined ? {} : { resendMs };
    const whole = { ...command, args: [...command.args, ...more] };
    const engine = await startBare(whole, signal, options);
    try {
      const socket = command.agentSocket.replace(/qga$/, 'qmp');
      return new BareGuest(command, engine, await Monitor.open(socket));
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Brings the guest into the state for measurements. */
  async settle(guest: BenchGuest): Promise<void> {
    const agent = new GuestAgent({ path: this.#command.agentSocket });
    try {
      for (const line of guest.settle) {
        const { exitCode } = await agent.exec({ path: 'sh', args: ['-c', line], timeoutMs: settleMs });
        if (exitCode !== 0) throw new Error(`"${line}" exited with code ${exitCode} in the bare guest.`);
      }
    } finally {
      agent.close();
    }
  }

  async pause(): Promise<void> {
    await this.#monitor.execute('stop');
  }

  async unpause(): Promise<void> {
    await this.#monitor.execute('cont');
  }

  async #nodes(): Promise<string[]> {
    const devices = (await this.#monitor.execute('query-block')) as {
      inserted?: { ro: boolean; 'node-name': string };
    }[];
    return devices.flatMap(({ inserted }) => (inserted && !inserted.ro ? [inserted['node-name']] : []));
  }

  /** Runs `snapshot-save`, that is, `savevm`. @returns how long the guest was paused, in milliseconds */
  async save(tag: string): Promise<number> {
    const devices = await this.#nodes();
    const vmstate = stateNode(devices);
    return await this.#monitor.standstill(
      async () => await this.#monitor.job('snapshot-save', { tag, vmstate, devices }),
    );
  }

  /** Runs `snapshot-load`, that is, `loadvm`. @returns milliseconds until the first reply of the agent */
  async load(tag: string, signal: AbortSignal): Promise<number> {
    const devices = await this.#nodes();
    const vmstate = stateNode(devices);
    const begun = performance.now();
    await this.#monitor.job('snapshot-load', { tag, vmstate, devices });
    await agentReply(this.#command.agentSocket, resendMs, signal);
    return performance.now() - begun;
  }

  async deleteSnapshot(tag: string): Promise<void> {
    await this.#monitor.job('snapshot-delete', { tag, devices: await this.#nodes() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#monitor[Symbol.dispose]();
    await this.#engine[Symbol.asyncDispose]();
  }
}

/** Makes a separate machine for a bare guest, boots it once and stops it. The bare command is derived from its plan. */
export async function bareMachine(
  home: TestHome,
  guest: BenchGuest,
  directory: string,
  say: (text: string) => void,
): Promise<BareCommand> {
  const name = 'bare';
  await guest.create(home, name, say);
  // The first start creates what a plan needs: a UUID, EFI variables, and the pinned machine type.
  await home.json('start', name, '--wait', 'none');
  await home.json('stop', name, '--hard');
  return savableCommandOf(await home.json<LaunchPlanReply>('start', name, '--dry-run'), directory);
}
