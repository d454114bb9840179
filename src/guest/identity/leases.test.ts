import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { oldMac, shells, Tree, victim, useTrees } from '../../../test/support/guest-tree.ts';
import { interfaceId } from './script.ts';

useTrees();

describe.each(shells)('the leases in $name', ({ shell }) => {
  it('are requested again by systemd-networkd, without the old one', async () => {
    const tree = new Tree();
    tree.write('run/systemd/netif/links/2', 'ADMIN_STATE=configured\n');
    tree.write('run/systemd/netif/leases/2', 'ADDRESS=10.0.0.1\n');
    const half = interfaceId(oldMac);
    tree.write(
      'proc/net/if_inet6',
      `fe80000000000000${half} 02 40 20 80     eth0\nfec0000000000000${half} 02 40 40 00     eth0\n` +
        `20010db8000000001111222233334444 02 40 00 80     eth0\n`,
    );
    tree.names(shell);
    await expect.poll(() => tree.log).toContain('systemctl --no-block try-restart systemd-networkd.service');
    expect(existsSync(join(tree.root, 'run/systemd/netif/leases/2'))).toBe(false);
    expect(tree.log.filter((line) => line.startsWith('ip -6'))).toEqual([
      'ip -6 addr del fe80:0000:0000:0000:020c:29ff:feaa:bb01/64 dev eth0',
      'ip -6 addr add fe80::020c:29ff:fecc:dd02/64 dev eth0',
      'ip -6 addr del fec0:0000:0000:0000:020c:29ff:feaa:bb01/64 dev eth0',
    ]);
  });

  it('are requested again by udhcpc, restarted with the new name', async () => {
    const tree = new Tree();
    const client = victim();
    const ended = once(client, 'exit');
    const pid = String(client.pid);
    tree.write('run/udhcpc.eth0.pid', `${pid}\n`);
    tree.write('proc/net/if_inet6', '00000000000000000000000000000001 01 80 10 80       lo\n');
    tree.write(`proc/${pid}/comm`, 'udhcpc\n');
    tree.write(`proc/${pid}/cmdline`, 'udhcpc\0-i\0eth0\0-x\0hostname:source\0-s\0/a b\0');
    // It is gone when its directory is.
    tree.fake('sleep', `rm -rf ${tree.root}/proc/${pid}`);
    tree.fake('udhcpc', '');
    tree.names(shell);
    expect(await ended).toEqual([null, 'SIGTERM']);
    await expect.poll(() => tree.log).toContain('udhcpc -i eth0 -x hostname:clone -s /a b');
    expect(tree.log).toContain('ip -4 addr flush dev eth0');
    expect(readdirSync(join(tree.root, 'run'))).toEqual(['udhcpc.eth0.pid']);
  });

  it('leave alone a foreign program that has the pid of an old client', () => {
    const tree = new Tree();
    tree.write('run/udhcpc.eth0.pid', `${process.pid}\n`);
    tree.write(`proc/${process.pid}/comm`, 'vitest\n');
    tree.write('run/dhclient.eth0.pid', '1; reboot\n');
    expect(tree.names(shell)['lease']).toBe('ok:asked');
    expect(tree.log.filter((line) => line.startsWith('ip -4'))).toEqual([]);
  });
});
