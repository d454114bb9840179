import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { testHost } from '../../test/support/test-host.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { idleSeconds, stopWhenIdle } from './stop-when-idle.ts';

const temporary = useTemporaryDirectory();

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** A daemon that stops after 60 idle seconds. */
function watched(isNeeded = false) {
  const home = join(temporary(), 'home');
  mkdirSync(home);
  const http = Fastify();
  const host = testHost({ home, env: {} });
  const stop = vi.fn<() => void>();
  const watch = stopWhenIdle(http, host, () => isNeeded, 60, stop);
  onTestFinished(() => watch[Symbol.dispose]());
  return { home, host, http, stop };
}

it('stops a daemon that nobody has asked for anything for so long', async () => {
  const { http, stop } = watched();
  vi.advanceTimersByTime(45_000);
  await http.inject('/');
  vi.advanceTimersByTime(45_000);
  expect(stop).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(stop).toHaveBeenCalled();
});

it('keeps a daemon that a machine needs, until its home is moved', () => {
  const { home, host, stop } = watched();
  host.unreachable.set('/demo.vmx', { reason: 'it does not answer', pid: 1, since: new Date() } as never);
  vi.advanceTimersByTime(600_000);
  expect(stop).not.toHaveBeenCalled();
  renameSync(home, `${home}.moved`);
  mkdirSync(home);
  vi.advanceTimersByTime(30_000);
  expect(stop).toHaveBeenCalled();
});

it('keeps a daemon that something else needs', () => {
  const { stop } = watched(true);
  vi.advanceTimersByTime(600_000);
  expect(stop).not.toHaveBeenCalled();
});

it.each([
  [{ KAME_IDLE_SECONDS: '5' }, 5],
  [{ KAME_IDLE_SECONDS: '0' }, 300],
  [{}, 300],
])('reads the time from %j', (env, seconds) => {
  expect(idleSeconds(env)).toBe(seconds);
});
