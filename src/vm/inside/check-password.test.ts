import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { refused } from '../../../test/support/refused.ts';
import { ShellGuest } from '../../../test/support/shell-guest.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { assetText } from '../../sys/assets.ts';
import { checkPassword } from './check-password.ts';

const world = useWorld();
const directory = useTemporaryDirectory();

/** crypt(3) of `secret`. */
const hash =
  '$6$VeXwS98byBtQYCMB$e7l7s6NkN7kRi389uOfkD1FAcmoDAXUnwRr.27UMUCQ7Br9FLgcfbC.jE15K0qzo4.oHl5RAvgh3Y/clSOrD3/';

/** Runs the script where only these programs are, and /etc/shadow is like that. Its own directories are not searched. */
function answerOf(password: string, programs: Readonly<Record<string, string>>, shadow = ''): string {
  const place = directory();
  const bin = join(place, 'bin');
  mkdirSync(bin);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  writeFileSync(join(place, 'shadow'), shadow);
  const script = assetText('guest/agent/check-password.sh')
    .replace(/^PATH=.*$/mu, 'PATH=$PATH')
    .replace('/etc/shadow', join(place, 'shadow'));
  const options = { input: `${password}\n`, env: { PATH: bin }, encoding: 'utf8' } as const;
  return execFileSync('/bin/sh', ['-c', script, 'sh', 'alice'], options);
}

const perl = { perl: 'exec /usr/bin/perl "$@"' };

describe('the script that checks a password', () => {
  it('asks the helper of PAM first, which gets the password and a NUL', () => {
    const helper =
      '[ "$1 $2" = "alice nonull" ] && [ "$(/usr/bin/od -An -c | /usr/bin/tr -d " \\n")" = \'sec$t\\0\' ]';
    expect(answerOf('sec$t', { unix_chkpwd: helper })).toBe('valid\n');
    expect(answerOf('other', { unix_chkpwd: helper })).toBe('invalid\n');
  });

  it('compares with the stored hash otherwise', () => {
    const shadow = `root:*:1::::::\nalice:${hash}:19000:0:99999:7:::\n`;
    expect(answerOf('secret', perl, shadow)).toBe('valid\n');
    expect(answerOf('Secret', perl, shadow)).toBe('invalid\n');
    expect(answerOf('$(id)', perl, shadow)).toBe('invalid\n');
    const busybox = {
      busybox: `read -r given; [ "$given $*" = "secret mkpasswd -s -m sha512 -S VeXwS98byBtQYCMB" ] && echo '${hash}'`,
    };
    expect(answerOf('secret', busybox, shadow)).toBe('valid\n');
    expect(answerOf('other', busybox, shadow)).toBe('invalid\n');
  });

  it.each([
    ['locked', 'alice:!$6$x$y:1::::::\n', 'invalid\n'],
    ['without a password', 'alice::1::::::\n', 'invalid\n'],
    ['not there', 'bob:x:1::::::\n', 'invalid\n'],
  ])('refuses a user who is %s', (_what, shadow, answer) => {
    expect(answerOf('', perl, shadow)).toBe(answer);
    expect(answerOf('x', perl, shadow)).toBe(answer);
  });

  it('says when nothing can tell', () => {
    expect(answerOf('secret', {}, `alice:${hash}:1::::::\n`)).toBe('unable\n');
    expect(answerOf('secret', { busybox: '' }, 'alice:$y$j9T$x$y:1::::::\n')).toBe('unable\n');
  });
});

describe('a check of a password', () => {
  it('runs in the guest, and refuses what is no answer', async () => {
    const guest = new ShellGuest(directory());
    world().engines.guest = { ...usualGuest, handlers: guest.handlers };
    world().machine();
    await world().start('demo', { wait: 'agent' });
    const check = async () =>
      await checkPassword(world().host, 'demo', 'no-such-user', { password: 'x' }, quiet.signal);
    expect(await check()).toEqual({ valid: false });
    guest.refused = 'no-such-user';
    expect((await refused(check())).code).not.toBe('INTERNAL');
  });
});
