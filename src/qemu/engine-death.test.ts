import { describe, expect, it } from 'vitest';
import { deathText, endText, type Death } from './engine-death.ts';

const full = { directory: '/dev/shm/kame', bytes: 1_073_741_824, bytesFree: 4096 };
const roomy = { ...full, bytesFree: 536_870_912 };

function textOf(death: Partial<Death>): string {
  return deathText({ machine: 'demo', end: null, words: '', ram: null, ...death });
}

describe('the death of an engine', () => {
  it('by SIGBUS names the full memory file system, in bytes', () => {
    expect(textOf({ end: { code: null, signal: 'SIGBUS' }, ram: full })).toBe(
      'The engine of demo ended unexpectedly (killed by SIGBUS). It printed nothing. The memory file system /dev/shm/kame, which holds its RAM, is full: 4096 bytes (4 KiB) of 1073741824 bytes (1 GiB) are free. Free some space there, or stop other machines, before you start it again.',
    );
    expect(textOf({ ram: full })).toContain('is full: 4096 bytes');
  });

  it.each([
    ['SIGBUS', roomy, 'was full; now 536870912 bytes'],
    ['SIGBUS', null, 'no memory left'],
    ['SIGKILL', full, 'the kernel did because the host ran out of memory'],
    ['SIGSEGV', full, 'a bug of QEMU'],
  ] as const)('by %s names the likely cause', (signal, ram, cause) => {
    const text = textOf({ end: { code: null, signal }, ram });
    expect(text).toContain(`(killed by ${signal})`);
    expect(text).toContain(cause);
  });

  it('gives its last words, and the advice for them', () => {
    const words = 'one\ntwo\nthree\nqemu-system-aarch64: cannot set up guest memory';
    const text = textOf({ end: { code: 1, signal: null }, words });
    expect(text).toContain('(exit code 1). Its last output: two | three | qemu-system-aarch64: cannot set');
    expect(text).toContain('lower the memory (`kame set NAME memory=SIZE`)');
  });

  it('of which nothing more is known claims nothing more', () => {
    expect(textOf({ ram: roomy })).toBe('The engine of demo ended unexpectedly. It printed nothing.');
  });
});

describe('an end in order', () => {
  it.each([
    [null, 'demo has stopped.'],
    ['guest-shutdown', 'demo has stopped.'],
    ['constructor', 'demo has stopped.'],
    ['host-signal', 'demo has stopped: another program ended its engine with a signal.'],
  ])('for the reason %s is reported as %s', (reason, text) => {
    expect(endText('demo', reason)).toBe(text);
  });
});
