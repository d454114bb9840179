import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../../test/support/any-text.ts';
import { machineId, newMac, oldMac, shells, Tree, useTrees } from '../../../test/support/guest-tree.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { identityScript, interfaceId } from './script.ts';
import { quoted } from './shell.ts';

useTrees();

const directory = useTemporaryDirectory();

describe.each(shells)('the identity script in $name', ({ shell }) => {
  it('changes names, ids and addresses', () => {
    const tree = new Tree();
    tree.write('etc/hosts', '127.0.0.1\tlocalhost\n127.0.1.1\tsource.lan source db # mine\n::1 localhost\n');
    tree.write('var/lib/dbus/machine-id', `${'f'.repeat(32)}\n`, 0o444);
    expect(tree.names(shell)).toEqual({
      clock: 'ok',
      random: 'ok',
      reseed: 'ok',
      hostname: 'ok',
      hosts: 'ok',
      'machine-id': 'ok',
      'dbus-machine-id': 'ok',
      'mac-0': 'ok',
      'network-files': 'skipped:no files of a kind that is known',
      lease: 'ok:asked',
      'host-keys': 'skipped:there are none',
    });
    expect(tree.read('proc/sys/kernel/hostname')).toBe('clone\n');
    expect(tree.read('etc/hostname')).toBe('clone\n');
    expect(tree.read('etc/hosts')).toBe(
      '127.0.0.1\tlocalhost\n127.0.1.1\tclone.lan clone db # mine\n::1 localhost\n',
    );
    expect(tree.read('etc/machine-id')).toBe(`${machineId}\n`);
    expect(tree.read('var/lib/dbus/machine-id')).toBe(`${machineId}\n`);
    expect(tree.read('dev/urandom')).toBe('AbC+/=');
    expect(tree.log).toContain('date -u -s @1700000000.250');
    expect(tree.log).toContain(`ip link set dev eth0 address ${newMac}`);
    expect(readdirSync(join(tree.root, 'etc')).toSorted()).toEqual(['hostname', 'hosts', 'machine-id']);
  });

  it('skips what does not exist and says why', () => {
    const tree = new Tree();
    tree.card('eth0', '00:0c:29:00:00:99');
    tree.write('etc/hosts', '127.0.0.1 localhost');
    mkdirSync(join(tree.root, 'var/lib/dbus'), { recursive: true });
    symlinkSync('/etc/machine-id', join(tree.root, 'var/lib/dbus/machine-id'));
    const steps = tree.names(shell);
    expect(steps).toMatchObject({
      hosts: 'skipped:no line of 127.0.1.1',
      'dbus-machine-id': 'skipped:it is a link',
      'mac-0': 'skipped:no interface has this address',
      lease: 'skipped:no address was changed',
    });
    expect(tree.read('etc/hosts')).toBe('127.0.0.1 localhost');
    expect(tree.names(shell, { cards: [] })).toMatchObject({
      'network-files': 'skipped:no address is new',
    });
  });

  it('continues after a step that failed, and reports the output of the program', () => {
    const tree = new Tree();
    tree.fake('ip', `echo "RTNETLINK answers: Operation not permitted\nmore" >&2; exit 2`);
    tree.fake('date', 'echo "date: invalid date" >&2; exit 1');
    tree.fake('perl', 'exit 1');
    tree.write('etc/hosts', '127.0.1.1 source\n'.repeat(201));
    const steps = tree.names(shell);
    expect(steps).toMatchObject({
      clock: 'failed:date: invalid date',
      reseed: 'failed',
      hostname: 'ok',
      hosts: 'failed:/etc/hosts has more than 200 lines',
      'machine-id': 'ok',
      'mac-0': 'failed:RTNETLINK answers: Operation not permitted',
    });
    // It is brought up again, also when that was for nothing.
    expect(tree.log.filter((line) => line.startsWith('ip link'))).toEqual([
      `ip link set dev eth0 address ${newMac}`,
      'ip link set dev eth0 down',
      'ip link set dev eth0 up',
    ]);
  });

  it('writes through links, and over an id of another length', () => {
    const tree = new Tree();
    tree.write('etc/machine-id', 'uninitialized\n');
    tree.write('data/hostname', 'a-longer-name-than-the-new-one\n');
    tree.run(['sh'], `rm ${tree.root}/etc/hostname`);
    symlinkSync('../data/hostname', join(tree.root, 'etc/hostname'));
    expect(tree.names(shell)).toMatchObject({ hostname: 'ok', 'machine-id': 'ok' });
    expect(lstatSync(join(tree.root, 'etc/hostname')).isSymbolicLink()).toBe(true);
    expect(tree.read('data/hostname')).toBe('clone\n');
    expect(tree.read('etc/machine-id')).toBe(`${machineId}\n`);
  });

  it('gives a name to a machine that has no line of its own in the hosts file', () => {
    const tree = new Tree();
    tree.write('etc/hosts', '127.0.1.1 * other');
    tree.names(shell, { hostName: 'a.example.org' });
    expect(tree.read('etc/hosts')).toBe('127.0.1.1\ta.example.org * other\n');
  });

  it('writes the files of the network: systemd gets both addresses, the others the new one', () => {
    const tree = new Tree();
    tree.write('etc/netplan/50 cloud.yaml', `match:\n  macaddress: "${oldMac.toUpperCase()}"\n`);
    tree.write(
      'run/systemd/network/10-eth0.network',
      `[Match]\nPermanentMACAddress=${oldMac}\n\n[Link]\nMACAddress=${oldMac}\n`,
    );
    tree.write('etc/network/interfaces', 'iface eth0 inet dhcp\n');
    const steps = tree.names(shell);
    expect(steps['network-files']).toBe('ok');
    expect(tree.read('etc/netplan/50 cloud.yaml')).toBe(`match:\n  macaddress: "${newMac}"\n`);
    expect(tree.read('run/systemd/network/10-eth0.network')).toBe(
      `[Match]\nPermanentMACAddress=${oldMac} ${newMac}\n\n[Link]\nMACAddress=${newMac}\n`,
    );
    expect(tree.read('etc/network/interfaces')).toBe('iface eth0 inet dhcp\n');
  });

  it('takes no address from a card that has just been given it', () => {
    const tree = new Tree();
    tree.card('eth1', newMac);
    // As the kernel does it.
    tree.fake('ip', `[ "$1 $2" != "link set" ] || echo "$6" > ${tree.root}/sys/class/net/$4/address`);
    const steps = tree.names(shell, {
      cards: [
        { old: oldMac, new: '00:0c:29:00:00:02' },
        { old: newMac, new: oldMac },
      ],
    });
    expect(steps).toMatchObject({ 'mac-0': 'ok', 'mac-1': 'ok' });
    expect(tree.read('sys/class/net/eth0/address')).toBe('00:0c:29:00:00:02\n');
    expect(tree.read('sys/class/net/eth1/address')).toBe(`${oldMac}\n`);
  });

  it('reports the kinds of host keys', () => {
    const tree = new Tree();
    for (const type of ['rsa', 'ed25519', 'dsa']) tree.write(`etc/ssh/ssh_host_${type}_key`, 'old');
    expect(tree.names(shell)['host-keys']).toBe('ok:dsa,ed25519,rsa');
  });
});

describe('the request for a reseed', () => {
  const script = identityScript({ hostName: 'a', machineId, cards: [], seed: '', now: 0 });
  const programs = [
    ['perl', '-e', /perl -e '([^']+)'/],
    ['python3', '-ISc', /python3 -ISc '([^']+)'/],
  ] as const;

  it.each(programs.filter(([name]) => spawnSync(name, ['--version']).status === 0))(
    'is one that the kernel takes from %s: but here it meets a file',
    (name, option, pattern) => {
      const [, text = ''] = pattern.exec(script) ?? [];
      const file = join(directory(), 'urandom');
      const { status, stderr } = spawnSync(name, [option, text, file], { encoding: 'utf8' });
      expect(stderr).toContain('Inappropriate ioctl for device');
      expect(status).toBeGreaterThan(0);
    },
  );
});

describe('values of a script', () => {
  it('are one shell word, or are refused', () => {
    fc.assert(
      fc.property(anyText(30), (text) => {
        let word: string;
        try {
          word = quoted(text);
        } catch {
          return;
        }
        expect(word).toBe(`'${text}'`);
        expect(text).not.toMatch(/['\\$`"\0]/);
      }),
    );
    expect(() => quoted("a'; reboot; '")).toThrow(/not checked/);
  });

  it('name the interface as RFC 4291 does', () => {
    expect(interfaceId('34:56:78:9a:bc:de')).toBe('365678fffe9abcde');
  });
});
