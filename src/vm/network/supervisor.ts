import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { aborted, settledWithin } from '../../core/deadline.ts';
import { deferred } from '../../core/deferred.ts';
import { messageOf } from '../../core/errors.ts';
import { networkRunDirectories, networkRunNames, runDirectories } from '../../store/names.ts';
import { readRunRecord } from '../../store/run-record.ts';
import { isAlive } from '../../sys/process-identity.ts';
import { portOwner } from '../../sys/port-owner.ts';
import { endCompanions } from '../companion/companion.ts';
import type { Host } from '../host/host.ts';
import type { NetworkPort } from '../../model/network-port.ts';
import type { Forward, NetworkKey } from '../../model/network.ts';
import type { NetworkRuntime, NetworkStatus, Traffic } from '../host/network-runtime.ts';
import type { Running } from '../host/running.ts';
import { keyText, networkText, type PluggedMachine } from './plugged.ts';
import { storedNetworks } from './stored-networks.ts';
import { RunningNetwork, type NetworkSurroundings } from './running-network.ts';

const still: Omit<NetworkStatus, 'forwards'> = {
  running: false,
  switchPid: null,
  natPid: null,
  ports: [],
  leases: [],
  trouble: null,
};

/** The networks that machines are connected to. Their processes outlive this daemon; the next one finds them again. */
export class NetworkSupervisor implements NetworkRuntime {
  readonly #host: Omit<Host, 'networks'>;
  readonly #around: NetworkSurroundings;
  readonly #networks = new Map<string, RunningNetwork>();
  readonly #ready = deferred();
  #isReady = false;

  constructor(host: Omit<Host, 'networks'>, around: Omit<NetworkSurroundings, 'ready'>) {
    this.#host = host;
    this.#around = { ...around, ready: this.#ready.promise };
  }

  async machineChanged({ names, id, name, run, record }: Running): Promise<void> {
    const concerned = this.#place({
      vmx: names.vmx,
      id,
      name,
      run: run.directory,
      adapters: record.networks,
    });
    // Adoption must not wait for networks that wait for it.
    if (this.#isReady) await Promise.all(concerned.map(async (network) => await network.settled()));
  }

  machineEnded({ run }: Running): void {
    for (const network of this.#networks.values()) network.unplug(run.directory);
  }

  async connected(
    { run }: Running,
    { deadlineMs, signal }: { deadlineMs: number; signal: AbortSignal },
  ): Promise<readonly string[]> {
    const networks = [...this.#networks.values()].filter((network) => network.has(run.directory));
    const settled = Promise.all(networks.map(async (network) => await network.settled()));
    const inTime = await settledWithin(Promise.race([settled, aborted(signal)]), deadlineMs);
    return networks.flatMap(({ key, trouble }) => {
      const reason = trouble ?? (inTime ? null : 'it is still starting');
      return reason === null ? [] : [`The network ${networkText(key)} does not work yet: ${reason}`];
    });
  }

  async changed(name: string): Promise<void> {
    // The names and subnets of a network concern the others too.
    for (const network of this.#networks.values()) network.refresh();
    await this.#networks.get(keyText({ name }))?.settled();
  }

  async status(name: string): Promise<NetworkStatus> {
    const network = this.#networks.get(keyText({ name }));
    if (network && !network.isEmpty) return await network.status();
    const { network: stored } = await this.#around.book.entryOf({ name }, []);
    const reason = 'The network does not run: no running machine is connected to it.';
    const forwards = (stored?.forwards ?? []).map((forward) => ({
      forward,
      state: 'waiting' as const,
      reason,
    }));
    return { ...still, forwards };
  }

  async traffic(deadlineMs: number): Promise<ReadonlyMap<string, Traffic>> {
    const networks = [...this.#networks.values()].filter(({ isEmpty }) => !isEmpty);
    const ports = await Promise.all(networks.map(async (network) => await network.traffic(deadlineMs)));
    const sums = new Map<string, Traffic>();
    for (const { run, traffic } of ports.flat()) {
      const { receivedBytes = 0, sentBytes = 0 } = sums.get(run) ?? {};
      sums.set(run, {
        receivedBytes: receivedBytes + traffic.receivedBytes,
        sentBytes: sentBytes + traffic.sentBytes,
      });
    }
    return sums;
  }

  async adopted(): Promise<void> {
    await this.#placeOthers();
    this.#isReady = true;
    this.#ready.resolve();
    const used = new Set([...this.#networks.values()].map((network) => network.directory));
    for (const { directory } of await networkRunDirectories(this.#host.names)) {
      if (used.has(directory)) continue;
      try {
        await endCompanions(directory);
        await rm(directory, { recursive: true, force: true });
      } catch (error) {
        this.#host.log('Could not end a network', { directory, reason: messageOf(error) });
      }
    }
  }

  async detach(): Promise<void> {
    await Promise.all([...this.#networks.values()].map(async (network) => await network.detach()));
    this.#networks.clear();
  }

  /**
   * Engines that run, but were not adopted, keep their connections, as their run records have them: they do not answer, or their
   * machines cannot be read or are not listed any more.
   */
  async #placeOthers(): Promise<void> {
    const adopted = new Set(this.#host.running.all().map(({ run }) => run.directory));
    for (const run of await runDirectories(this.#host.names)) {
      const record = adopted.has(run.directory) ? undefined : await readRunRecord(run);
      if (!record?.engine || !(await isAlive(record.engine))) continue;
      const { vmx, networks: adapters } = record;
      this.#place({ vmx, id: '', name: vmx, run: run.directory, adapters });
    }
  }

  /** Connects a machine to the networks of its adapters, and to no others. @returns those that it is in, or was */
  #place(machine: PluggedMachine): RunningNetwork[] {
    const before = [...this.#networks.values()].filter((network) => network.has(machine.run));
    const wanted = new Map<string, NetworkPort[]>();
    for (const adapter of machine.adapters) {
      if (adapter.network === null) continue;
      const text = keyText(adapter.network);
      wanted.set(text, [...(wanted.get(text) ?? []), adapter]);
      if (!this.#networks.has(text)) this.#networks.set(text, this.#create(adapter.network));
    }
    for (const [text, network] of this.#networks) {
      const adapters = wanted.get(text);
      if (adapters) network.plug({ ...machine, adapters });
      else network.unplug(machine.run);
    }
    const now = [...this.#networks.values()].filter((network) => network.has(machine.run));
    return [...new Set([...before, ...now])];
  }

  #create(key: NetworkKey): RunningNetwork {
    return new RunningNetwork(key, networkRunNames(this.#host.names, key), this.#around);
  }
}

async function ownerOf(forward: Forward): Promise<string | null> {
  const owner = await portOwner(forward);
  return owner ? `${owner.program} (process ${owner.pid})` : null;
}

/**
 * The networks of a host.
 * @param switchFile the program of the switch, JavaScript, or TypeScript when Kame runs from its sources
 */
export function superviseNetworks(host: Omit<Host, 'networks'>, switchFile: URL): NetworkRuntime {
  const file = fileURLToPath(switchFile);
  const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
  return new NetworkSupervisor(host, {
    book: storedNetworks(host, ownerOf),
    switchProgram: { command: process.execPath, args: [...loader, file] },
    log: host.log,
  });
}
