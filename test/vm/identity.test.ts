import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import { GuestAgent } from '../../src/guest/agent/agent.ts';
import { setClock } from '../../src/guest/identity/clock.ts';
import { applyIdentity } from '../../src/guest/identity/identity.ts';
import { GuestTools } from '../../src/guest/tools/tools.ts';
import { execCapture } from '../support/exec-capture.ts';
import { clockIsRight, setClockWrong } from '../support/guest-clock.ts';
import { guestTest, settled } from '../support/guest-test.ts';

/** A program named sshd that reports a request to restart, and keys as the source machine has them. */
const setting = `mkdir -p /etc/ssh && cd /etc/ssh
for type in ed25519 ecdsa rsa; do
  echo "old $type" > ssh_host_\${type}_key && chmod 600 ssh_host_\${type}_key
  echo "old $type" > ssh_host_\${type}_key.pub
done
cat > /root/sshd <<'end'
#!/bin/sh
trap 'echo again > /run/sshd.seen' HUP
echo $$ > /run/sshd.pid
while :; do usleep 20000; done
end
chmod 755 /root/sshd
setsid /root/sshd > /dev/null 2>&1 < /dev/null &
while ! [ -s /run/sshd.pid ] || ! [ -s /run/udhcpc.eth0.pid ]; do usleep 20000; done`;

interface Source {
  readonly agent: GuestAgent;
  readonly tools: GuestTools;
  readonly mac: string;
  /** Standard output of a shell line in the guest. */
  sh(line: string): Promise<string>;
  /** Waits until a shell line in the guest succeeds. */
  until(line: string): Promise<void>;
}

/** The agents of a guest that has just been copied. The daemon, which would hold the only connection to each, is stopped. */
const it = guestTest({
  name: 'identity-source',
  create: [],
  prepare: async (demo) => {
    await settled(demo);
    await demo.sh(setting);
  },
}).extend<{ source: Source }>({
  source: async ({ home, demo }, use) => {
    const { nics, sockets } = await demo.details();
    await home.client().daemon.stop();
    const run = dirname(sockets?.monitor ?? '');
    const agent = new GuestAgent({ path: join(run, 'qga') });
    const tools = new GuestTools({ path: join(run, 'tools') });
    const shell = async (line: string) => await execCapture(agent, { path: '/bin/sh', args: ['-c', line] });
    await use({
      agent,
      tools,
      mac: nics[0]?.mac ?? '',
      sh: async (line) => {
        const { exitCode, stdout, stderr } = await shell(line);
        expect({ line, exitCode, stderr: stderr.toString() }).toMatchObject({ exitCode: 0 });
        return stdout.toString();
      },
      until: async (line) => {
        const look = async () => ((await shell(line)).exitCode === 0 ? true : undefined);
        expect(await poll(look, { deadlineMs: 30_000 }), line).toBe(true);
      },
    });
    agent.close();
    tools.close();
  },
});

describe('the identity of a clone', () => {
  it.for([
    // The tiny guest has no program that could make the kernel take its random numbers at once.
    { by: 'the guest agent', reseed: 'skipped' },
    { by: 'kame-tools', reseed: 'ok' },
  ])('is entirely new in the running guest, by $by', async ({ by, reseed }, { source }) => {
    const { agent, tools, mac, sh, until } = source;
    await setClockWrong({ sh });
    const oldId = await sh('cat /etc/machine-id');
    expect(oldId).toMatch(/^[0-9a-f]{32}\n$/);
    const client = await sh('cat /run/udhcpc.eth0.pid');
    const next = mac.replace(/..$/, (last) => (last === 'fe' ? 'fc' : 'fe'));

    const guest = by === 'kame-tools' ? { agent, tools } : { agent };
    const report = await applyIdentity(guest, { hostName: 'clone-1', macs: [{ old: mac, new: next }] });

    expect(Object.fromEntries(report.steps.map(({ name, result }) => [name, result]))).toEqual({
      clock: 'ok',
      random: 'ok',
      reseed,
      hostname: 'ok',
      hosts: 'ok',
      'machine-id': 'ok',
      'dbus-machine-id': 'skipped',
      'mac-0': 'ok',
      'network-files': 'skipped',
      lease: 'ok',
      'host-key-ed25519': 'ok',
      'host-key-ecdsa': 'ok',
      'host-key-rsa': 'ok',
      sshd: 'ok',
    });
    expect(await clockIsRight({ sh })).toBe(true);
    expect(await sh('hostname; cat /etc/hostname; grep 127.0.1.1 /etc/hosts')).toBe(
      'clone-1\nclone-1\n127.0.1.1\tclone-1\n',
    );
    expect(await sh('cat /etc/machine-id')).toBe(`${report.machineId}\n`);
    expect(`${report.machineId}\n`).not.toBe(oldId);
    expect(await sh('cat /sys/class/net/eth0/address')).toBe(`${next}\n`);
    await until('[ -e /run/sshd.seen ]');

    const keys = await sh('cd /etc/ssh && cat *.pub && stat -c "%a %U %n" *_key && head -qn1 *_key');
    expect(keys).not.toContain('old');
    expect(keys.match(/^600 root ssh_host_/gm)).toHaveLength(3);
    expect(keys.match(/^-----BEGIN OPENSSH PRIVATE KEY-----$/gm)).toHaveLength(3);
    expect(keys.match(/^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp256) AAAA\S+ root@clone-1$/gm)).toHaveLength(3);
    expect(report.hostKeys.map(({ type }) => type)).toEqual(['ed25519', 'ecdsa', 'rsa']);
    await until('[ "$(ls -A /etc/ssh | wc -l)" = 6 ]');

    // A client of its own has the lease, by the new address and name; the network takes both.
    await until(`[ -s /run/udhcpc.eth0.pid ] && [ "$(cat /run/udhcpc.eth0.pid)" != ${client.trim()} ]`);
    await until(
      "ip -4 addr show eth0 | grep -q inet && ping -c 1 -W 5 $(ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p')",
    );
    expect(await sh("tr '\\0' ' ' < /proc/$(cat /run/udhcpc.eth0.pid)/cmdline")).toContain(
      'hostname:clone-1',
    );
    // The first byte stands behind `fe`, in one group with it: only the second group can lose zeros.
    const half = `${next.slice(9, 11)}:${next.slice(12).replace(':', '')}`.replace(/:0+(?=.)/, ':');
    await until(`ip -6 addr show dev eth0 scope link | grep -q 'ff:fe${half} \\|ff:fe${half}/'`);
  });

  it('includes a clock that can be set separately', async ({ source: { agent, sh } }) => {
    await setClockWrong({ sh });
    expect(await setClock(agent)).toMatchObject({ result: 'ok', by: 'agent' });
    expect(await clockIsRight({ sh })).toBe(true);
    expect(await setClock(agent)).toMatchObject({ result: 'ok', by: 'kept' });
    // The hardware's clock too, for a later start of the kernel.
    expect(await sh('[ "$(hwclock -r | grep -c 2001)" = 0 ] && echo set')).toBe('set\n');
  });

  it('survives a restart', async ({ demo, source: { agent, mac, sh } }) => {
    const { machineId } = await applyIdentity(
      { agent },
      { hostName: 'clone-1', macs: [{ old: mac, new: mac }] },
    );
    await sh('sync');
    agent.close();
    await demo.home.json('stop', 'demo');
    await demo.start();
    expect(await demo.sh('hostname; cat /etc/machine-id')).toBe(`clone-1\n${machineId}\n`);
    expect(await demo.sh('grep -c "root@clone-1" /etc/ssh/ssh_host_rsa_key.pub')).toBe('1\n');
  });
});
