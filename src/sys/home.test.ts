import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kameHome, socketPath } from './home.ts';

describe('the home directory', () => {
  it('is KAME_HOME made absolute, or ~/.kame', () => {
    expect(kameHome({ KAME_HOME: '/var/k' })).toBe('/var/k');
    expect(kameHome({ KAME_HOME: 'here' })).toBe(resolve('here'));
    expect(kameHome({ KAME_HOME: '' })).toBe(join(homedir(), '.kame'));
    expect(kameHome({})).toBe(join(homedir(), '.kame'));
  });

  it('is rejected when its socket path is too long for the host', () => {
    expect(socketPath('/k')).toBe('/k/kamed.sock');
    expect(() => socketPath(`/${'ü'.repeat(45)}`)).toThrow(/is 102 bytes/);
    expect(() => socketPath(`/${'x'.repeat(90)}`)).toThrow(expect.objectContaining({ code: 'HOST_PROBLEM' }));
  });
});
