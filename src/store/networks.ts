import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { KameError } from '../core/errors.ts';
import { suggest } from '../core/suggest.ts';
import { usualNetwork } from '../model/network-defaults.ts';
import { plainNetworkName, standardNetworks, typeOfStandardName } from '../model/network-name.ts';
import { formatSubnet, subnetAround, subnetOf } from '../model/network-subnet.ts';
import { freeSubnet, networkLimits, networkProblems, type Neighbour } from '../model/network-validate.ts';
import type { Network } from '../model/network.ts';
import { refuseProblems, shown } from '../model/problem.ts';
import { writeFileAtomic } from '../sys/files.ts';
import type { HostSubnet } from '../sys/host-subnets.ts';
import { printNetworks, readNetworks, type StoredNetwork } from './networks-file.ts';

/** The networks that are valid, and what they become. The same array means no change. */
type NetworksEdit<T> = (networks: readonly Network[]) => {
  readonly networks: readonly Network[];
  readonly result: T;
};

interface NetworksOptions {
  /** Path of `networks.json`. */
  readonly path: string;
  /** The subnets of the host, which new networks avoid. */
  readonly hostSubnets: () => readonly HostSubnet[];
}

/**
 * The networks of a home. VMware's usual ones exist from the start: their subnets are chosen once, and then kept. All writes go
 * through one queue and are atomic.
 */
export class Networks {
  readonly #options: NetworksOptions;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: NetworksOptions) {
    this.#options = options;
  }

  /** All networks, sorted by name, with those whose entry is not valid. @throws KameError FILE_ACCESS */
  async all(): Promise<readonly StoredNetwork[]> {
    const read = await readNetworks(this.#options.path);
    const entries = read && hasStandard(read) ? read : await this.#inTurn(async () => await this.#complete());
    return [...entries].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  }

  /** A network by its name, in which capitals do not matter. @throws KameError NO_SUCH_NETWORK, BROKEN_NETWORK */
  async get(name: string): Promise<Network> {
    const all = await this.all();
    const entry = all.find((one) => one.name === plainNetworkName(name));
    if (entry) return usable(entry, this.#options.path);
    throw noSuchNetwork(
      name,
      all.map((one) => one.name),
    );
  }

  /**
   * Changes networks, exclusively. Whatever is not valid afterwards is refused, and nothing is written.
   * @throws KameError INVALID_VALUE and what `edit` throws
   */
  async update<T>(edit: NetworksEdit<T>): Promise<T> {
    return await this.#inTurn(async () => {
      const entries = await this.#complete();
      const before = entries.flatMap(({ network }) => (network ? [network] : []));
      const { networks, result } = edit(before);
      if (isDeepStrictEqual(networks, before)) return result;
      refuseInvalid(networks);
      const broken = entries.filter(({ network }) => network === undefined);
      await this.#write([...networks.map(stored), ...broken]);
      return result;
    });
  }

  /**
   * Changes one network, exclusively. The same network means no change.
   * @throws KameError NO_SUCH_NETWORK, INVALID_VALUE and what `edit` throws
   */
  async change<T>(
    name: string,
    edit: (network: Network, others: readonly Network[]) => { readonly network: Network; readonly result: T },
  ): Promise<T> {
    return await this.update((networks) => {
      const before = networks.find((one) => one.name === name);
      if (!before) {
        throw noSuchNetwork(
          name,
          networks.map((one) => one.name),
        );
      }
      const others = networks.filter((one) => one !== before);
      const { network, result } = edit(before, others);
      return { networks: networks.map((one) => (one === before ? network : one)), result };
    });
  }

  /** Removes the entry of a network, whether it is valid or not. */
  async remove(name: string): Promise<void> {
    await this.#inTurn(async () => {
      const entries = await this.#complete();
      await this.#write(entries.filter((entry) => entry.name !== name));
    });
  }

  /** Subnets that a new network must not have. */
  neighbours(networks: readonly Network[]): Neighbour[] {
    const hosts = this.#options.hostSubnets().flatMap((one) => {
      const subnet = subnetAround(one.cidr);
      return subnet ? [{ owner: `${shown(one.interface)} of this host`, subnet }] : [];
    });
    return [...hosts, ...neighboursIn(networks)];
  }

  /** A free subnet for a new network. @throws KameError HOST_PROBLEM if there is none */
  freeSubnet(networks: readonly Network[]): string {
    const subnet = freeSubnet(this.neighbours(networks), randomInt(256));
    if (subnet) return formatSubnet(subnet);
    throw new KameError(
      'HOST_PROBLEM',
      'All subnets 192.168.x.0/24 are in use by networks or by this host.',
      {
        next: 'Choose a private subnet yourself, such as --subnet 10.77.0.0/24.',
      },
    );
  }

  /** The entries of the file, with the usual networks, which are added if they are missing. */
  async #complete(): Promise<readonly StoredNetwork[]> {
    const entries = (await readNetworks(this.#options.path)) ?? [];
    if (hasStandard(entries)) return entries;
    for (const name of standardNetworks) {
      if (entries.some((entry) => entry.name === name)) continue;
      const others = entries.flatMap(({ network }) => (network ? [network] : []));
      const subnet = this.freeSubnet(others);
      entries.push(stored(usualNetwork(name, typeOfStandardName(name) ?? 'nat', subnet)));
    }
    await this.#write(entries);
    return entries;
  }

  async #write(entries: readonly StoredNetwork[]): Promise<void> {
    await mkdir(dirname(this.#options.path), { recursive: true, mode: 0o700 });
    await writeFileAtomic(this.#options.path, printNetworks(entries));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return await result;
  }
}

function stored(network: Network): StoredNetwork {
  return { network, name: network.name, broken: null };
}

function hasStandard(entries: readonly StoredNetwork[]): boolean {
  return standardNetworks.every((name) => entries.some((entry) => entry.name === name));
}

/** The subnets of networks, with their names. */
function neighboursIn(networks: readonly Network[]): Neighbour[] {
  return networks.flatMap(({ name, subnet }) =>
    subnet === null ? [] : [{ owner: name, subnet: subnetOf(subnet) }],
  );
}

function refuseInvalid(networks: readonly Network[]): void {
  if (networks.length > networkLimits.networks) {
    throw new KameError('INVALID_VALUE', `There can be at most ${networkLimits.networks} networks.`, {
      next: 'Delete a network that is not needed: `kame network list` shows them.',
    });
  }
  for (const network of networks) refuseProblems(networkProblems(network));
}

/** The network of a valid entry. @throws KameError BROKEN_NETWORK */
function usable({ name, network, broken }: StoredNetwork, path: string): Network {
  if (network) return network;
  throw new KameError('BROKEN_NETWORK', `The network ${name} cannot be used: ${broken}`, {
    next: `Repair its entry in ${path}.`,
    details: { network: name, path },
  });
}

/** The error for a name that no network has, with the one that was probably meant. */
export function noSuchNetwork(name: string, known: readonly string[]): KameError {
  const meant = suggest(name, known);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return new KameError('NO_SUCH_NETWORK', `There is no network ${shown(name)}.${hint}`, {
    details: { network: shown(name) },
  });
}
