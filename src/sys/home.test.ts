import { chownSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canBeAnother, secondUser } from '../../test/support/second-user.ts';
import { kameHome, requireOwnHome, socketPath } from './home.ts';

describe('the home directory', () => {
  it('is KAME_HOME made absolute, or ~/.kame', () => {
    expect(kameHome({ KAME_HOME: '/var/k' })).toBe('/var/k');
    expect(kameHome({ KAME_HOME: 'here' })).toBe(resolve('here'));
    expect(kameHome({ KAME_HOME: '' })).toBe(join(homedir(), '.kame'));
    expect(kameHome({})).toBe(join(homedir(), '.kame'));
  });

  it('may be missing, or belong to this user', () => {
    expect(() => requireOwnHome('/nowhere/at/all')).not.toThrow();
    expect(() => requireOwnHome(homedir())).not.toThrow();
    expect(() => requireOwnHome(join(process.execPath, 'home'))).toThrow(
      expect.objectContaining({ code: 'FILE_ACCESS' }),
    );
  });

  it.runIf(canBeAnother)('is refused if it belongs to another user, even to root', () => {
    const home = mkdtempSync(join(tmpdir(), 'kame-home-'));
    onTestFinished(() => rmSync(home, { recursive: true }));
    chownSync(home, secondUser.uid, secondUser.gid);
    symlinkSync(home, join(home, 'link'));
    for (const path of [home, join(home, 'link')])
      expect(() => requireOwnHome(path)).toThrow(/belongs to another user \(uid 12345\)/);
  });

  it('is rejected when its socket path is too long for the host', () => {
    expect(socketPath('/k')).toBe('/k/kamed.sock');
    expect(() => socketPath(`/${'ü'.repeat(45)}`)).toThrow(/is 102 bytes/);
    expect(() => socketPath(`/${'x'.repeat(90)}`)).toThrow(expect.objectContaining({ code: 'HOST_PROBLEM' }));
  });
});
