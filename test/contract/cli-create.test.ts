import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import * as api from '../../src/api/machine.ts';
import { bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { demo, demoDetails, demoStarted } from './cli-samples.ts';

useDaemon();

/** A public key of a type, as ssh-keygen writes it. */
function key(type: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return `${type} ${Buffer.concat([length, Buffer.from(type), Buffer.alloc(36, 7)]).toString('base64')}`;
}

describe('create', () => {
  beforeEach(() => {
    daemon.on('POST /v1/machines', result(demoDetails));
    daemon.on(`POST /v1/machines/${encodeURIComponent(demo.path)}/start`, result(demoStarted));
  });

  it('asks for tiny by default, and for no image with --iso', async () => {
    const { code, stdout } = await run(['create', 'demo']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `demo was created: ${demo.path}\n` });
    await run(['create', 'demo', '--iso', 'sub/x.iso']);
    expect(bodies()).toEqual([
      { name: 'demo', image: 'tiny' },
      { name: 'demo', iso: join(daemon.home, 'sub/x.iso') },
    ]);
  });

  it('distinguishes ids, paths and URLs', async () => {
    await writeFile(join(daemon.home, 'here'), '');
    const texts = ['debian-12', 'here', './there.qcow2', '/abs.raw', 'sub/x.vmdk', 'https://e.org/a.qcow2'];
    for (const image of texts) await run(['create', 'demo', '--image', image]);
    const { home } = daemon;
    expect(bodies().map((body) => (body as { image: string }).image)).toEqual([
      'debian-12',
      `${home}/here`,
      `${home}/there.qcow2`,
      '/abs.raw',
      `${home}/sub/x.vmdk`,
      'https://e.org/a.qcow2',
    ]);
  });

  it('sends every option in the form of the API', async () => {
    await writeFile(join(daemon.home, 'k.pub'), `# mine\n${key('ssh-ed25519')} me\n\n${key('ssh-rsa')}\n`);
    const words =
      '--arch x86_64 --cpus 4 --memory 1.5GiB --disk 20GB --guest-os debian12-64 --user me --ssh-key k.pub';
    const { code } = await run(['create', 'demo', ...words.split(' '), '--set', 'a.b=c=d', '--set', 'e=']);
    expect(code).toBe(0);
    const body = api.createMachine.parse(bodies()[0]);
    expect(body).toEqual({
      name: 'demo',
      image: 'tiny',
      arch: 'x86_64',
      cpus: 4,
      memoryBytes: 1.5 * 1024 ** 3,
      diskBytes: 20e9,
      guestOS: 'debian12-64',
      user: 'me',
      sshKeys: [`${key('ssh-ed25519')} me`, key('ssh-rsa')],
      settings: [
        { key: 'a.b', value: 'c=d' },
        { key: 'e', value: '' },
      ],
    });
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello\n'],
    ['a key that is cut off', 'ssh-ed25519 AAAAC3NzaC1l\n'],
    ['a key of another type', `ssh-rsa ${key('ssh-ed25519').split(' ')[1]}\n`],
    ['a key and something else', `${key('ssh-ed25519')}\nlocalhost\n`],
    ['a line of known_hosts', 'host 1024 35 1234567890\n'],
  ])('refuses a file with %s as keys', async (_what, content) => {
    await writeFile(join(daemon.home, 'k'), content);
    const { code, stderr } = await run(['create', 'demo', '--ssh-key', 'k']);
    expect([code, daemon.requests]).toEqual([2, []]);
    expect(stderr).toMatch(/k is not an SSH public key, or a file of such keys\.\n.*ssh-keygen/);
  });

  it('accepts keys with options, and of other types', async () => {
    const lines = [`from="10.0.0.1 x" ${key('ecdsa-sha2-nistp256')} a b`, key('sk-ssh-ed25519@openssh.com')];
    await writeFile(join(daemon.home, 'k'), lines.join('\n'));
    expect((await run(['create', 'demo', '--ssh-key', 'k'])).code).toBe(0);
    expect(bodies()).toMatchObject([{ sshKeys: lines }]);
  });

  it('never sends private keys', async () => {
    await writeFile(join(daemon.home, 'k'), '-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n');
    const { code, stderr } = await run(['create', 'demo', '--ssh-key', 'k']);
    expect(code).toBe(2);
    expect(stderr).toContain('is a private key');
    expect(stderr).not.toContain('secret');
    expect(await run(['create', 'demo', '--ssh-key', 'nowhere'])).toMatchObject({ code: 1 });
    expect(daemon.requests).toEqual([]);
  });

  it('starts the new machine with --start', async () => {
    const { code, stdout } = await run([
      'create',
      'demo',
      '--start',
      '--wait',
      'boot',
      '--timeout',
      '2.5',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(api.startedMachine.parse(JSON.parse(stdout))).toEqual(demoStarted);
    expect(bodies()[1]).toEqual({ wait: 'boot', timeoutMs: 2500 });
  });
});
