import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeSeedIso, type SeedOptions } from './seed.ts';
import { seedUser } from './seed-user.ts';

const options: SeedOptions = {
  instanceId: 'kame-1234',
  hostname: 'tortoise',
  user: 'debian',
  imageUser: 'debian',
  sshKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHbF me@host'],
  installAgent: true,
};

describe('the user of a seed', () => {
  it('is the one that it creates, or that of the image', () => {
    expect(seedUser(makeSeedIso(options))).toEqual({ kind: 'image' });
    expect(seedUser(makeSeedIso({ ...options, user: 'me' }))).toEqual({ kind: 'named', name: 'me' });
  });

  it.each([
    '',
    '#cloud-config\nusers: [me]\n',
    '#cloud-config\n{\n "users": [{"name": "-oProxyCommand=x"}]\n}\n',
    '#cloud-config\n{\n "users": 7\n}\n',
    '#cloud-config\n{\n "users"\n}\n',
    '#cloud-config\nnull\n}\n',
  ])('is unknown in %j', (text) => {
    expect(seedUser(Buffer.from(text))).toBeUndefined();
  });

  it('is a valid name or unknown, whatever the bytes are', () => {
    const good = makeSeedIso({ ...options, user: 'me' });
    const run = fc.check(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(good);
        bytes[at] = byte;
        const user = seedUser(bytes);
        const name = user?.kind === 'named' ? user.name : 'none';
        return /^[a-z_][a-z0-9_-]{0,31}$/.test(name);
      }),
    );
    expect(run.failed).toBe(false);
  });
});
