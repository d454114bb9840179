import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CompatFiles } from '../../api/network.ts';
import { bridgedNetwork, type Network } from '../../model/network.ts';
import { exists, writeFileAtomic } from '../../sys/files.ts';
import type { Host } from '../host/host.ts';
import { dhcpText, leasesText, natText, netmapText } from './compat-text.ts';
import { listForwards } from './describe.ts';
import { listLeases } from './leases.ts';

/** Writes a file unless it has that content: programs look at it often. */
async function writeIfChanged(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFileAtomic(path, text, 0o644);
}

async function writeNetwork(host: Host, network: Network): Promise<void> {
  const directory = join(host.names.compat, network.name);
  const dhcp = dhcpText(network);
  // Packer 1.6 looks for the second one.
  await writeIfChanged(join(directory, 'dhcpd', 'dhcpd.conf'), dhcp);
  await writeIfChanged(join(directory, 'dhcp', 'dhcp.conf'), dhcp);
  await writeIfChanged(
    join(directory, 'dhcpd', 'dhcpd.leases'),
    leasesText(await listLeases(host, network.name)),
  );
  await writeIfChanged(
    join(directory, 'nat', 'nat.conf'),
    natText(network, await listForwards(host, network.name)),
  );
}

/**
 * Writes the files in which programs that drive VMware look for networks, leases and port forwards.
 * @throws KameError FILE_ACCESS, DISK_FULL
 */
export async function writeCompatFiles(host: Host): Promise<CompatFiles> {
  const path = host.names.compat;
  const stored = await host.networkStore.all();
  const names = [...new Set([bridgedNetwork, ...stored.map(({ name }) => name)])].sort();
  await writeIfChanged(join(path, 'netmap.conf'), netmapText(names));
  for (const { network } of stored) if (network) await writeNetwork(host, network);
  return { path };
}

/** Keeps those files right, if somebody has asked for them. @throws KameError FILE_ACCESS, DISK_FULL */
export async function refreshCompatFiles(host: Host): Promise<void> {
  if (await exists(host.names.compat)) await writeCompatFiles(host);
}
