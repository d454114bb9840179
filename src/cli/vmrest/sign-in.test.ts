import bcrypt from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { SignIn } from './sign-in.ts';

const login = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const signIn = (): SignIn =>
  new SignIn({
    username: 'ada',
    password: bcrypt.hashSync('saltPassw0rd!', 4),
    salt: 'salt',
    port: undefined,
  });

describe('signing in', () => {
  it('lets only the right name with the right password in, again and again', async () => {
    const door = signIn();
    for (let times = 0; times < 2; times += 1) {
      expect(await door.check(login('ada:Passw0rd!'))).toBe('signed-in');
      for (const wrong of ['ada:passw0rd!', 'bob:Passw0rd!', 'ada:Passw0rd!x', ':', 'ada', ''])
        expect([wrong, await door.check(login(wrong))]).toEqual([wrong, 'refused']);
    }
  });

  it.each([[undefined], [''], ['Basic'], ['Basic %%%'], ['Bearer YWRhOlBhc3N3MHJkIQ=='], [login('ada')]])(
    'refuses the header %j',
    async (header) => {
      expect(await signIn().check(header)).toBe('refused');
    },
  );

  it('knows a password with a colon and refuses one that only begins like it', async () => {
    const long = 'x'.repeat(100);
    const password = bcrypt.hashSync('salta:b', 4);
    const door = new SignIn({ username: 'ada', password, salt: 'salt', port: undefined });
    expect(await door.check(login('ada:a:b'))).toBe('signed-in');
    expect(await door.check(login(`ada:a:b${long}`))).toBe('refused');
  });

  it('checks a few passwords at a time, and keeps nobody out who was in', async () => {
    const door = signIn();
    await door.check(login('ada:Passw0rd!'));
    const flood = Array.from({ length: 40 }, (_, at) => door.check(login(`ada:${at}`)));
    expect(await door.check(login('ada:Passw0rd!'))).toBe('signed-in');
    const verdicts = await Promise.all(flood);
    const count = (verdict: string) => verdicts.filter((each) => each === verdict).length;
    expect([count('refused'), count('busy')]).toEqual([8, 32]);
    expect(await door.check(login('ada:1'))).toBe('refused');
  });
});
