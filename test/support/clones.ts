import type { ClonedMachines } from '../../src/api/checkpoint.ts';
import { Guest } from './guest.ts';
import { settled } from './guest-test.ts';
import type { TestHome } from './home.ts';
import type { Recipe } from './template.ts';

/** Gives a guest host keys, and a word on its disk and in its memory, for clones to have. */
export async function prepareCloneSource(demo: Guest): Promise<void> {
  await settled(demo);
  await demo.sh(`mkdir -p /etc/ssh; cd /etc/ssh
for type in ed25519 ecdsa rsa; do
  echo "old $type" >ssh_host_\${type}_key
  echo "old $type" >ssh_host_\${type}_key.pub
done
echo common >/root/disk; echo common >/dev/shm/memory; sync`);
}

export const cloneSource: Recipe = {
  name: 'clone-source',
  create: ['--memory', '192MiB', '--cpus', '1'],
  prepare: prepareCloneSource,
};

export async function clone(home: TestHome, ...args: string[]): Promise<ClonedMachines> {
  return await home.json<ClonedMachines>('clone', ...args);
}

/** Deletes machines; those that run are stopped first. */
export async function remove(home: TestHome, ...names: string[]): Promise<void> {
  for (const name of names) {
    const machine = new Guest(home, name);
    if ((await machine.state()) !== 'stopped') await machine.stop();
    await home.json('delete', name, '--yes');
  }
}

/** The state of every machine, by name. */
export async function states(home: TestHome): Promise<Record<string, string>> {
  const machines = await home.ask(async (client) => await client.machines.list());
  return Object.fromEntries(machines.map(({ name, state }) => [name, state]));
}

/** What a guest is named and known by. */
export async function identity(machine: Guest): Promise<Record<string, string>> {
  const line = `hostname; cat /etc/machine-id /sys/class/net/eth0/address
for type in ed25519 ecdsa rsa; do md5sum </etc/ssh/ssh_host_\${type}_key; done`;
  const [hostname = '', machineId = '', mac = '', ed25519 = '', ecdsa = '', rsa = ''] = (
    await machine.sh(line)
  ).split('\n');
  const { id, nics } = await machine.details();
  return { hostname, machineId, mac, ed25519, ecdsa, rsa, id, nic: nics[0]?.mac ?? '' };
}
