import { describe, expect, it } from 'vitest';
import { execCapture } from '../../../test/support/exec-capture.ts';
import { fakeAgent, type FakeHandler } from '../../../test/support/fake-agent.ts';
import { GuestAgent } from './agent.ts';

const names = ['guest-file-open', 'guest-file-read', 'guest-file-close'];
const info: FakeHandler = () => ({
  value: { version: '7.2.0', supported_commands: names.map((name) => ({ name, enabled: true })) },
});
const chunk = Buffer.alloc(256 * 1024, 'y');

/** A guest in which a command has ended at once, and whose output files have `content(position)` at a position. */
function endedCommand(content: (position: number) => Buffer, size?: number): Record<string, FakeHandler> {
  let position = 0;
  return {
    'guest-info': info,
    'guest-exec': () => ({ value: { pid: 7 } }),
    'guest-exec-status': () => ({ value: { exited: true, exitcode: 0 } }),
    // The first two are `r` and standard output.
    'guest-file-open': ({ path }) => ({ value: String(path).endsWith('/o') ? 1 : 2 }),
    'guest-file-close': () => ({ value: {} }),
    'guest-file-read': ({ handle }) => {
      const data = handle === 1 ? content(position) : Buffer.alloc(0);
      if (handle === 1) position += data.length;
      return { value: { count: data.length, 'buf-b64': data.toString('base64'), eof: data.length === 0 } };
    },
    ...(size === undefined
      ? {}
      : {
          'guest-file-seek': ({ offset, whence }) => {
            const at = whence === 'end' ? size : Number(offset);
            if (whence === 'set') position = at;
            return { value: { position: at, eof: false } };
          },
        }),
  };
}

const silent: FakeHandler = () => 'silence';

describe('the time limit of exec', () => {
  it.each([
    ['the list of commands', { 'guest-info': silent }],
    ['the start', { 'guest-info': info, 'guest-exec': silent }],
    ['the status', { ...endedCommand(() => Buffer.alloc(0)), 'guest-exec-status': silent }],
    ['opening the output', { ...endedCommand(() => Buffer.alloc(0)), 'guest-file-open': silent }],
    ['reading the output', { ...endedCommand(() => Buffer.alloc(0)), 'guest-file-read': silent }],
  ] as const)('holds when the agent falls silent at %s', async (_name, handlers) => {
    await using fake = await fakeAgent(handlers);
    const agent = new GuestAgent(fake);
    await expect(agent.exec({ path: 'sleep', timeoutMs: 50 })).rejects.toMatchObject({
      code: 'GUEST_TIMEOUT',
      message: expect.stringContaining('sleep did not finish within 50 ms') as string,
    });
    agent.close();
  });

  it('holds when the output never ends although the command has', async () => {
    await using fake = await fakeAgent(endedCommand(() => chunk));
    const agent = new GuestAgent(fake);
    await expect(agent.exec({ path: 'yes', timeoutMs: 50 })).rejects.toMatchObject({
      code: 'GUEST_TIMEOUT',
    });
    agent.close();
  });

  it('holds when the output is not read', async () => {
    await using fake = await fakeAgent(endedCommand(() => chunk));
    const agent = new GuestAgent(fake);
    const onStdout = async () => await new Promise<void>(() => undefined);
    await expect(agent.exec({ path: 'yes', timeoutMs: 50, onStdout })).rejects.toMatchObject({
      code: 'GUEST_TIMEOUT',
    });
    agent.close();
  });

  it('leaves out what a child writes after the command has ended', async () => {
    await using fake = await fakeAgent(endedCommand(() => chunk, 3 * chunk.length));
    const agent = new GuestAgent(fake);
    const result = await execCapture(agent, { path: 'yes' });
    expect(result).toMatchObject({ exitCode: 0, streamed: true });
    expect(result.stdout.length).toBe(3 * chunk.length);
    agent.close();
  });
});

describe('cancelling exec', () => {
  it.each(['guest-info', 'guest-exec', 'guest-exec-status', 'guest-file-open', 'guest-file-read'])(
    'ends it at once, even if the agent is silent at %s',
    async (command) => {
      const handlers = { ...endedCommand(() => Buffer.alloc(0)), [command]: silent };
      await using fake = await fakeAgent(handlers);
      const agent = new GuestAgent(fake);
      const controller = new AbortController();
      const running = agent.exec({ path: 'sleep', signal: controller.signal });
      running.catch(() => undefined);
      await expect.poll(() => fake.calls.at(-1)).toBe(command);
      controller.abort();
      await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
      agent.close();
    },
  );
});
