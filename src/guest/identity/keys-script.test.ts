import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shells, Tree, victim, useTrees } from '../../../test/support/guest-tree.ts';
import { makeHostKey, type HostKey } from './host-keys.ts';
import { keysScript, keyStepNames } from './keys-script.ts';
import { readSteps } from './report.ts';

useTrees();

let made: Promise<HostKey[]> | undefined;

/** A key of each kind, made once: an RSA key takes long. */
async function someKeys(): Promise<HostKey[]> {
  made ??= Promise.all(
    (['ed25519', 'ecdsa', 'rsa'] as const).map(async (type) => await makeHostKey(type, 'root@clone')),
  );
  return await made;
}

describe.each(shells)('the script of the keys in $name', ({ shell }) => {
  it('puts keys in place of the old ones and has sshd read them', async () => {
    const tree = new Tree();
    const keys = await someKeys();
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
});
