import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { credentialsPath, missingIn, readCredentials, writeCredentials } from './credentials.ts';

const temporary = useTemporaryDirectory();
let home = '';
beforeEach(() => {
  home = temporary();
});
const file = (): string => join(home, '.vmrestCfg');

/** As another program has written it with golang's bcrypt, for the password "Vagrant=1!" and a salt with signs in it. */
const written = 'port=49217\r\nusername=vagrant\r\npassword=HASH\r\nsalt=a1B=c2D#e3F!g4H%\r\n';

describe('the file of credentials', () => {
  it('is written as VMware’s, for its owner only, and lets the user in', async () => {
    await writeCredentials(file(), 'ada', 'Passw0rd!', 8697);
    const text = readFileSync(file(), 'utf8');
    expect(text).toMatch(/^port=8697\r\nusername=ada\r\npassword=\$2b\$10\$\S{53}\r\nsalt=\S{16}\r\n$/u);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const { username, password, salt } = (await readCredentials(file())) ?? {};
    expect([username, salt?.length]).toEqual(['ada', 16]);
    expect(await bcrypt.compare(`${salt}Passw0rd!`, password ?? '')).toBe(true);
  });

  it('is read as other programs write it', async () => {
    const hash = '$2a$10$0123456789012345678901';
    writeFileSync(file(), written.replace('HASH', `${hash}${'a'.repeat(31)}`));
    expect(await readCredentials(file())).toEqual({
      username: 'vagrant',
      password: `${hash}${'a'.repeat(31)}`,
      salt: 'a1B=c2D#e3F!g4H%',
      port: 49_217,
    });
  });

  it('may be missing', async () => {
    expect(await readCredentials(file())).toBeUndefined();
    expect(credentialsPath({ HOME: '/home/ada' })).toBe('/home/ada/.vmrestCfg');
    expect(() => credentialsPath({})).toThrow('HOME is not set');
  });

  const hash = (rounds: string): string => `$2b$${rounds}$${'a'.repeat(53)}`;

  it.each([
    ['nothing', ''],
    ['no password', 'port=1\r\nusername=a\r\n'],
    ['a password in the clear', 'port=1\r\nusername=a\r\npassword=secret\r\nsalt=x\r\n'],
    ['a hash that takes for ever', `port=1\r\nusername=a\r\npassword=${hash('31')}\r\nsalt=x\r\n`],
    ['a port that is none', `port=99999\r\nusername=a\r\npassword=${hash('04')}\r\nsalt=x\r\n`],
    ['too much', 'x'.repeat(5000)],
  ])('with %s is refused', async (_what, text) => {
    writeFileSync(file(), text);
    await expect(readCredentials(file())).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  });

  it('is no link', async () => {
    const other = join(home, 'other');
    writeFileSync(other, written);
    chmodSync(other, 0o600);
    symlinkSync(other, file());
    await expect(readCredentials(file())).rejects.toMatchObject({ code: 'FILE_ACCESS' });
  });
});

describe('rules for passwords', () => {
  it.each([
    ['Passw0rd!', []],
    ['aA1!aA1!aA1!', []],
    ['passw0rd!', ['a capital letter']],
    ['PASSW0RD!', ['a small letter']],
    ['Password!', ['a digit']],
    ['Passw0rdd', ['a special character']],
    ['Pa0!', ['a length of 8 to 12 characters']],
    ['Passw0rd!Passw0rd!', ['a length of 8 to 12 characters']],
    ['Passw0rd!é', ['ASCII characters only']],
  ])('%s lacks %j', (password, missing) => {
    expect(missingIn(password)).toEqual(missing);
  });
});
