import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { MachineModel } from '../../model/machine.ts';
import { bridgedNetwork, networkOf } from '../../model/network.ts';
import type { HostInterface } from '../../qemu/plan/types.ts';
import { interfaceKind, tapOwner } from '../../sys/host-interface.ts';
import { exists, readFileCapped } from '../../sys/files.ts';
import type { Host } from '../host/host.ts';
import { hostOs } from './engine.ts';

/** The list of the bridges that QEMU's helper may use (qemu-bridge-helper.c, DEFAULT_ACL_FILE). */
const aclFile = '/etc/qemu/bridge.conf';
const maxAclBytes = 64 * 1024;
const setuid = 0o4000;
/** Values of a bridged network's interface that name a mode of vmnet instead. */
const vmnetModes = ['vmnet-shared', 'vmnet-host'] as const;

function refusal(message: string, next: string): KameError {
  return new KameError('HOST_PROBLEM', message, { next });
}

/** Whether the list of the helper allows a bridge. A list that includes others, or that cannot be read, may allow it. */
export function mayAllow(text: string | undefined, bridge: string): boolean {
  if (text === undefined) return false;
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  if (lines.some(([word, name]) => word === 'deny' && (name === bridge || name === 'all'))) return false;
  return lines.some(([word, name]) =>
    word === 'include' ? true : word === 'allow' && (name === bridge || name === 'all'),
  );
}

/** The list, or undefined without one. One that only root may read may include anything. */
async function readAcl(): Promise<string | undefined> {
  if (!(await exists(aclFile))) return undefined;
  const bytes = await readFileCapped(aclFile, maxAclBytes).catch(() => undefined);
  return bytes?.toString('utf8') ?? 'include';
}

async function helperPath(binary: string): Promise<string | undefined> {
  const beside = join(dirname(binary), '..', 'libexec');
  for (const directory of ['/usr/lib/qemu', '/usr/libexec', beside]) {
    const path = join(directory, 'qemu-bridge-helper');
    if (await stat(path).catch(() => undefined)) return path;
  }
  return undefined;
}

/** QEMU opens a bridge through a helper, which needs root's rights and a line in its list. */
async function requireHelper(bridge: string, binary: string): Promise<void> {
  const helper = await helperPath(binary);
  // QEMU may have it elsewhere: then its own message tells what is missing.
  const mode = helper === undefined ? setuid : (await stat(helper)).mode;
  if ((mode & setuid) === 0 && process.geteuid?.() !== 0) {
    throw refusal(
      `QEMU may not use the bridge ${bridge}: its helper ${helper} has no right to.`,
      `Grant it with \`sudo chmod u+s ${helper}\`; or use a tap device in the bridge, which you own.`,
    );
  }
  if (mayAllow(await readAcl(), bridge)) return;
  throw refusal(
    `QEMU may not use the bridge ${bridge}: ${aclFile} does not allow it.`,
    `Allow it with \`sudo mkdir -p /etc/qemu && echo "allow ${bridge}" | sudo tee -a ${aclFile}\`.`,
  );
}

async function requireTap(tap: string): Promise<void> {
  const own = process.geteuid?.() ?? 0;
  if (own === 0 || (await tapOwner(tap)) === own) return;
  throw refusal(
    `You may not use the tap device ${tap}: it belongs to another user.`,
    `Make it yours with \`sudo ip tuntap del dev ${tap} mode tap; sudo ip tuntap add dev ${tap} mode tap user ${userInfo().username}\`, and put it into the bridge again with \`sudo ip link set ${tap} master BRIDGE up\`.`,
  );
}

async function linuxInterface(network: string, name: string, binary: string): Promise<HostInterface> {
  const kind = await interfaceKind(name);
  if (kind === 'missing') {
    throw refusal(
      `The interface ${name} of the network ${network} does not exist.`,
      `\`ip link\` lists the interfaces of this host; \`kame network set ${network} --bridged IFACE\` chooses another.`,
    );
  }
  if (kind === 'other') {
    throw refusal(
      `The interface ${name} of the network ${network} is neither a bridge nor a tap device.`,
      `Make a bridge with it: \`sudo ip link add br0 type bridge && sudo ip link set ${name} master br0 && sudo ip link set br0 up\` (the addresses of ${name} then belong on br0), and choose it with \`kame network set ${network} --bridged br0\`.`,
    );
  }
  await (kind === 'bridge' ? requireHelper(name, binary) : requireTap(name));
  return { name, kind };
}

function macInterface(name: string): HostInterface {
  const mode = vmnetModes.find((each) => each === name);
  return { name, kind: mode ?? 'vmnet-bridged' };
}

/**
 * The interfaces of the host that the bridged networks of a machine have. Networks that do not exist are refused too.
 * @param binary the engine, near which its helper is
 * @throws KameError NO_SUCH_NETWORK, BROKEN_NETWORK; HOST_PROBLEM with the command that grants what is missing
 */
export async function bridgesOf(
  host: Host,
  { nics }: Pick<MachineModel, 'nics'>,
  binary: string,
): Promise<ReadonlyMap<string, HostInterface>> {
  const bridges = new Map<string, HostInterface>();
  for (const nic of nics) {
    const network = networkOf(nic);
    // The networks behind the words nat and hostonly always exist, and are not bridged.
    if (!network || !('name' in network) || !['custom', 'bridged'].includes(nic.connection)) continue;
    const known = await networkNamed(host, network.name);
    if (known?.type !== 'bridged' || known.interface === null || bridges.has(known.name)) continue;
    const { interface: name } = known;
    bridges.set(
      known.name,
      hostOs() === 'darwin' ? macInterface(name) : await linuxInterface(known.name, name, binary),
    );
  }
  return bridges;
}

/** A network by its name; vmnet0 may be missing, which the plan explains. */
async function networkNamed(host: Host, name: string) {
  if (name !== bridgedNetwork) return await host.networkStore.get(name);
  const found = (await host.networkStore.all()).find((one) => one.name === name);
  return found ? await host.networkStore.get(name) : undefined;
}
