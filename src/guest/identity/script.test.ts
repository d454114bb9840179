/** The scripts run here, on this host, in a tree of their own: every path has `root` before it, and programs that reach further are fakes. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { makeHostKey } from './host-keys.ts';
import { keysScript, keyStepNames } from './keys-script.ts';
import { readSteps } from './report.ts';
import { identityScript, identityStepNames, interfaceId, type Card } from './script.ts';
import { quoted } from './shell.ts';

const directory = useTemporaryDirectory();
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A program that a script may end. */
function victim(): ChildProcess {
  const child = spawn('sleep', ['1000']);
  children.push(child);
  return child;
}

const shells = [['sh'], ['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh']].filter(
  ([name = '', ...args]) => spawnSync(name, [...args, '-c', ':']).status === 0,
);

const oldMac = '00:0c:29:aa:bb:01';
const newMac = '00:0c:29:cc:dd:02';
const machineId = '0123456789abcdef0123456789abcdef';

/** A guest's files, and fakes of the programs that would change the host. */
class Tree {
  readonly root = directory();
  readonly #fakes = join(this.root, 'fakes');
  readonly #log = join(this.root, 'log');

  constructor() {
    for (const name of [
      'date',
      'ip',
      'hostname',
      'systemctl',
      'systemd-run',
      'nmcli',
      'dhcpcd',
      'perl',
      'python3',
    ]) {
      this.fake(name, '');
    }
    this.write('proc/sys/kernel/hostname', 'source\n');
    this.write('dev/urandom', '');
    this.write('etc/hostname', 'source\n');
    this.write('etc/machine-id', `${'f'.repeat(32)}\n`);
    this.write('sys/class/net/lo/address', '00:00:00:00:00:00\n');
    this.card('eth0', oldMac);
  }

  /** A fake program, which writes its arguments to the log; `body` may do more. */
  fake(name: string, body: string): void {
    const text = `#!/bin/sh\necho "${name} $*" >> ${this.#log}\n${body}\n`;
    this.write(`fakes/${name}`, text);
    chmodSync(join(this.#fakes, name), 0o755);
  }

  write(path: string, text: string, mode?: number): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
    if (mode !== undefined) chmodSync(join(this.root, path), mode);
  }

  card(name: string, mac: string): void {
    this.write(`sys/class/net/${name}/address`, `${mac}\n`);
    this.write(`sys/class/net/${name}/ifindex`, '2\n');
    this.write(`sys/class/net/${name}/device/vendor`, '0x1af4\n');
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  get log(): string[] {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8').trimEnd().split('\n') : [];
  }

  run(shell: readonly string[], script: string): string {
    const [name = '', ...args] = shell;
    const env = { PATH: `${this.#fakes}:/usr/bin:/bin` };
    const { stdout, stderr, status } = spawnSync(name, args, { input: script, env, encoding: 'utf8' });
    if (status !== 0 || stderr !== '') throw new Error(`${name} ended with ${status}: ${stderr}`);
    return stdout;
  }

  /** Runs the script of the names; results by step, with the reasons. */
  names(shell: readonly string[], changes: { hostName?: string; cards?: Card[] } = {}) {
    const cards = changes.cards ?? [{ old: oldMac, new: newMac }];
    const script = identityScript({
      hostName: changes.hostName ?? 'clone',
      machineId,
      cards,
      seed: 'AbC+/=',
      now: 1_700_000_000_250,
      root: this.root,
    });
    const steps = readSteps(this.run(shell, script), identityStepNames(cards.length));
    return Object.fromEntries(
      steps.map(({ name, result, reason }) => [name, reason === undefined ? result : `${result}:${reason}`]),
    );
  }
}

describe.each(shells.map((shell) => ({ name: shell.join(' '), shell })))(
  'the identity script in $name',
  ({ shell }) => {
    it('changes names, ids and addresses', () => {
      const tree = new Tree();
      tree.write(
        'etc/hosts',
        '127.0.0.1\tlocalhost\n127.0.1.1\tsource.lan source db # mine\n::1 localhost\n',
      );
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

    it('skips what is not there and says why', () => {
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

    it('goes on after a step that failed, with the words of the program', () => {
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

    it('gives a name to a machine that is on no line of its own', () => {
      const tree = new Tree();
      tree.write('etc/hosts', '127.0.1.1 * other');
      tree.names(shell, { hostName: 'a.example.org' });
      expect(tree.read('etc/hosts')).toBe('127.0.1.1\ta.example.org * other\n');
    });

    it('tells the files of the network: systemd knows both addresses, the others the new one', () => {
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

    it('takes an address from no card that has just got it', () => {
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

    it('tells the kinds of host keys', () => {
      const tree = new Tree();
      for (const type of ['rsa', 'ed25519', 'dsa']) tree.write(`etc/ssh/ssh_host_${type}_key`, 'old');
      expect(tree.names(shell)['host-keys']).toBe('ok:dsa,ed25519,rsa');
    });
  },
);

describe.each(shells.map((shell) => ({ name: shell.join(' '), shell })))(
  'the leases in $name',
  ({ shell }) => {
    it('are asked for anew by systemd-networkd, without the old one', async () => {
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
      await expect
        .poll(() => tree.log)
        .toContain('systemctl --no-block try-restart systemd-networkd.service');
      expect(existsSync(join(tree.root, 'run/systemd/netif/leases/2'))).toBe(false);
      expect(tree.log.filter((line) => line.startsWith('ip -6'))).toEqual([
        'ip -6 addr del fe80:0000:0000:0000:020c:29ff:feaa:bb01/64 dev eth0',
        'ip -6 addr add fe80::020c:29ff:fecc:dd02/64 dev eth0',
        'ip -6 addr del fec0:0000:0000:0000:020c:29ff:feaa:bb01/64 dev eth0',
      ]);
    });

    it('are asked for anew by udhcpc, started again with the new name', async () => {
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

    it('leave a foreign program alone that has the number of an old client', () => {
      const tree = new Tree();
      tree.write('run/udhcpc.eth0.pid', `${process.pid}\n`);
      tree.write(`proc/${process.pid}/comm`, 'vitest\n');
      tree.write('run/dhclient.eth0.pid', '1; reboot\n');
      expect(tree.names(shell)['lease']).toBe('ok:asked');
      expect(tree.log.filter((line) => line.startsWith('ip -4'))).toEqual([]);
    });
  },
);

describe.each(shells.map((shell) => ({ name: shell.join(' '), shell })))(
  'the script of the keys in $name',
  ({ shell }) => {
    it('puts keys in place of the old ones and has sshd read them', async () => {
      const tree = new Tree();
      const keys = await Promise.all(
        (['ed25519', 'ecdsa', 'rsa'] as const).map(async (type) => await makeHostKey(type, 'root@clone')),
      );
      for (const type of ['ed25519', 'ecdsa']) {
        tree.write(`etc/ssh/ssh_host_${type}_key`, 'old'.repeat(2000), 0o640);
        tree.write(`etc/ssh/ssh_host_${type}_key.pub`, 'old', 0o644);
      }
      tree.run(['sh'], `rm ${tree.root}/etc/ssh/ssh_host_ecdsa_key.pub`);
      const sshd = victim();
      const ended = once(sshd, 'exit');
      tree.write('run/sshd.pid', `${sshd.pid}\n`);
      tree.write(`proc/${sshd.pid}/comm`, 'sshd\n');
      const steps = readSteps(tree.run(shell, keysScript(keys, tree.root)), keyStepNames(keys));
      expect(steps).toEqual([
        { name: 'host-key-ed25519', result: 'ok' },
        { name: 'host-key-ecdsa', result: 'ok' },
        { name: 'host-key-rsa', result: 'skipped', reason: 'there is none' },
        { name: 'sshd', result: 'ok' },
      ]);
      expect(await ended).toEqual([null, 'SIGHUP']);
      expect(tree.read('etc/ssh/ssh_host_ed25519_key')).toBe(keys[0]?.privateKey);
      expect(tree.read('etc/ssh/ssh_host_ed25519_key.pub')).toBe(`${keys[0]?.publicKey}\n`);
      expect(tree.read('etc/ssh/ssh_host_ecdsa_key')).toBe(keys[1]?.privateKey);
      const mode = (name: string) => statSync(join(tree.root, 'etc/ssh', name)).mode & 0o777;
      expect([mode('ssh_host_ed25519_key'), mode('ssh_host_ed25519_key.pub')]).toEqual([0o600, 0o644]);
      await expect
        .poll(() => readdirSync(join(tree.root, 'etc/ssh')).toSorted())
        .toEqual(['ssh_host_ecdsa_key', 'ssh_host_ed25519_key', 'ssh_host_ed25519_key.pub']);
    });

    it('leaves all keys as they were when one can’t be written', async () => {
      const tree = new Tree();
      const keys = [await makeHostKey('ed25519', 'root@clone')];
      tree.write('etc/ssh/ssh_host_ed25519_key', 'old', 0o600);
      tree.fake('chmod', 'exit 1');
      const steps = readSteps(tree.run(shell, keysScript(keys, tree.root)), keyStepNames(keys));
      expect(steps).toMatchObject([{ result: 'failed' }, { name: 'sshd', result: 'skipped' }]);
      expect(tree.read('etc/ssh/ssh_host_ed25519_key')).toBe('old');
    });
  },
);

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
  it('are one word for a shell, or are refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
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
