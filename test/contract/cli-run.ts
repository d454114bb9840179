import { afterEach, beforeEach } from 'vitest';
import { kame, type RunOptions } from '../support/kame-command.ts';
import { fakeDaemon, lines, type FakeDaemon } from './cli-support.ts';

// A fake daemon for each test.

export let daemon: FakeDaemon;
/** Runs a command line against the daemon. */
export const run = (argv: readonly string[], options?: RunOptions) => kame(daemon.home, argv, options);
/** The bodies of the requests that have come. */
export const bodies = () => daemon.requests.map(({ body }) => body);
/** Methods and paths of the requests that have come. */
export const asked = () => daemon.requests.map(({ method, path }) => `${method} ${path}`);
/** The end of a long operation. */
export const result = (value: unknown) => lines({ type: 'result', result: value });

/** Gives each test of a file a daemon of its own. */
export function useDaemon(): void {
  beforeEach(async () => {
    daemon = await fakeDaemon();
  });
  afterEach(async () => {
    await daemon[Symbol.asyncDispose]();
  });
}
