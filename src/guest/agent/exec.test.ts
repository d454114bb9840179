import { spawn as spawnProcess, spawnSync } from 'node:child_process';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { execCapture } from '../../../test/support/exec-capture.ts';
import { fakeAgent, type FakeAgent, type FakeHandler } from '../../../test/support/fake-agent.ts';
import { GuestAgent } from './agent.ts';

const fileCommands = ['guest-file-open', 'guest-file-read', 'guest-file-close'];

interface HostProcess {
  exited: boolean;
  exitcode?: number;
  signal?: number;
  out: Buffer[];
  err: Buffer[];
}

/** Handlers that do on this host what the real agent does in a guest, so the wrapper script really runs. */
function hostHandlers(
  options: { shell: boolean; files: boolean },
  handles: Map<number, FileHandle>,
): Record<string, FakeHandler> {
  const processes = new Map<number, HostProcess>();
  const generic = (desc: string) => ({ error: { class: 'GenericError', desc } });
  const enabled = ['guest-exec', 'guest-exec-status', ...(options.files ? fileCommands : [])];
  return {
    'guest-info': () => ({
      value: { version: '7.2.0', supported_commands: enabled.map((name) => ({ name, enabled: true })) },
    }),
    'guest-exec': async (args) => {
      const path = String(args['path']);
      if (!options.shell && path === '/bin/sh') return generic('Failed to execute child process "/bin/sh"');
      const child = spawnProcess(path, (args['arg'] ?? []) as string[], { stdio: 'pipe' });
      const entry: HostProcess = { exited: false, out: [], err: [] };
      child.stdout.on('data', (chunk: Buffer) => entry.out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => entry.err.push(chunk));
      child.on('close', (code, signal) => {
        entry.exited = true;
        if (code !== null) entry.exitcode = code;
        if (signal !== null) entry.signal = signal === 'SIGKILL' ? 9 : 15;
      });
      child.stdin.on('error', () => undefined);
      const inputData = typeof args['input-data'] === 'string' ? args['input-data'] : '';
      child.stdin.end(Buffer.from(inputData, 'base64'));
      const spawned = await new Promise<boolean>((resolve) => {
        child.on('spawn', () => resolve(true));
        child.on('error', () => resolve(false));
      });
      if (!spawned || child.pid === undefined) return generic(`Failed to execute child process "${path}"`);
      processes.set(child.pid, entry);
      return { value: { pid: child.pid } };
    },
    'guest-exec-status': ({ pid }) => {
      const entry = processes.get(Number(pid));
      if (!entry) return generic('PID does not exist');
      const { exited, exitcode, signal } = entry;
      if (!exited) return { value: { exited } };
      processes.delete(Number(pid));
      const data = {
        'out-data': Buffer.concat(entry.out).toString('base64'),
        'err-data': Buffer.concat(entry.err).toString('base64'),
      };
      return { value: { exited, exitcode, signal, ...data } };
    },
    'guest-file-open': async ({ path }) => {
      try {
        const handle = await open(String(path), 'r');
        handles.set(handle.fd, handle);
        return { value: handle.fd };
      } catch {
        return generic('No such file or directory');
      }
    },
    'guest-file-read': async ({ handle, count }) => {
      const file = handles.get(Number(handle));
      if (!file) return generic('handle not found');
      const { bytesRead, buffer } = await file.read(Buffer.alloc(Number(count)));
      const data = buffer.subarray(0, bytesRead).toString('base64');
      return { value: { count: bytesRead, 'buf-b64': data, eof: bytesRead === 0 } };
    },
    'guest-file-close': async ({ handle }) => {
      await handles.get(Number(handle))?.close();
      handles.delete(Number(handle));
      return { value: {} };
    },
  };
}

async function leftovers(): Promise<string[]> {
  return (await readdir('/tmp')).filter((name) => name.startsWith('kame-exec-'));
}

async function withAgent(
  options: { shell: boolean; files: boolean },
  use: (agent: GuestAgent, fake: FakeAgent) => Promise<void>,
): Promise<void> {
  const handles = new Map<number, FileHandle>();
  await using fake = await fakeAgent(hostHandlers(options, handles));
  const agent = new GuestAgent(fake);
  try {
    await use(agent, fake);
  } finally {
    agent.close();
    for (const handle of handles.values()) await handle.close();
  }
}

/** A zombie counts as dead, because there may be no process to reap orphans. */
function alive(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)])
    .stdout.toString()
    .trim();
  return state !== '' && !state.startsWith('Z');
}

const full = { shell: true, files: true };

describe('exec in a guest with a shell', () => {
  it('passes output, exit code, arguments and environment', async () => {
    await withAgent(full, async (agent) => {
      const script = 'printf "%s|" "$@"; printf "%s" "$kame_x" >&2; exit 42';
      const result = await execCapture(agent, {
        path: 'sh',
        args: ['-c', script, 'sh', 'a b', '', '$HOME', "'", 'ü'],
        env: { kame_x: '1 $(id)', d: 'x', n: '3' },
      });
      expect(result).toMatchObject({ exitCode: 42, signal: null, streamed: true });
      expect(result.stdout.toString()).toBe("a b||$HOME|'|ü|");
      expect(result.stderr.toString()).toBe('1 $(id)');
    });
  });

  it('delivers output while the command is still running', async () => {
    await withAgent(full, async (agent) => {
      // The command can only end after its first output has arrived here.
      const gate = `/tmp/kame-gate-${process.pid}`;
      const seen: string[] = [];
      const result = await agent.exec({
        path: 'sh',
        args: ['-c', `echo first; while [ ! -e ${gate} ]; do sleep 0.01; done; rm ${gate}; echo second`],
        onStdout: async (chunk) => {
          seen.push(chunk.toString());
          if (seen.length === 1) await (await open(gate, 'w')).close();
        },
        timeoutMs: 15_000,
      });
      expect(result.exitCode).toBe(0);
      expect(seen).toEqual(['first\n', 'second\n']);
    });
  });

  it('passes standard input and megabytes of output', async () => {
    await withAgent(full, async (agent) => {
      const input = Buffer.alloc(3 * 1024 * 1024, 'kame\n');
      const result = await execCapture(agent, { path: 'cat', input });
      expect(result.exitCode).toBe(0);
      expect(result.stdout.equals(input)).toBe(true);
    });
  });

  it('reports the signal that ended a command, and 127 for one that does not exist', async () => {
    await withAgent(full, async (agent) => {
      expect(await agent.exec({ path: 'sh', args: ['-c', 'kill -9 $$'] })).toMatchObject({
        exitCode: null,
        signal: 9,
      });
      expect(await agent.exec({ path: 'no-such-program-here' })).toMatchObject({ exitCode: 127 });
    });
  });

  it('kills the command and its children at the timeout', async () => {
    await withAgent(full, async (agent) => {
      let pid = 0;
      const run = agent.exec({
        path: 'sh',
        args: ['-c', 'sleep 600 & echo $!; wait'],
        timeoutMs: 1500,
        onStdout: (chunk) => {
          pid = Number(chunk.toString());
        },
      });
      await expect(run).rejects.toMatchObject({ code: 'GUEST_TIMEOUT' });
      expect(pid).toBeGreaterThan(1);
      await expect.poll(() => alive(pid)).toBe(false);
    });
  });

  it('kills the command when it is cancelled, or when a callback fails', async () => {
    await withAgent(full, async (agent) => {
      const controller = new AbortController();
      let pid = 0;
      const run = agent.exec({
        path: 'sh',
        args: ['-c', 'echo $$; exec sleep 600'],
        signal: controller.signal,
        onStdout: (chunk) => {
          pid = Number(chunk.toString());
          controller.abort();
        },
      });
      await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(pid).toBeGreaterThan(1);
      await expect.poll(() => alive(pid)).toBe(false);
      let refused = 0;
      const tooMuch = agent.exec({
        path: 'sh',
        args: ['-c', 'echo $$; exec sleep 600'],
        onStdout: (chunk) => {
          refused = Number(chunk.toString());
          throw new Error('no more');
        },
      });
      await expect(tooMuch).rejects.toThrow('no more');
      expect(refused).toBeGreaterThan(1);
      await expect.poll(() => alive(refused)).toBe(false);
    });
  });

  it('leaves nothing in the guest, even when the caller hangs up immediately', async () => {
    const before = await leftovers();
    const made: string[] = [];
    await withAgent(full, async (agent) => {
      const gate = async (): Promise<void> => {
        made.push(...(await leftovers()).filter((name) => !before.includes(name)));
      };
      await agent.exec({ path: 'echo', args: ['x'], onStdout: gate });
    });
    expect(made.length).toBeGreaterThan(0);
    await expect.poll(async () => (await leftovers()).filter((name) => made.includes(name))).toEqual([]);
  });
});

describe('exec elsewhere', () => {
  it.each([
    ['without a shell', { shell: false, files: true }],
    ['without file calls', { shell: true, files: false }],
  ])('%s returns the output at the end', async (_name, options) => {
    await withAgent(options, async (agent) => {
      const result = await execCapture(agent, { path: 'printf', args: ['%s', 'hello'] });
      expect(result).toMatchObject({ exitCode: 0, streamed: false, truncated: false });
      expect(result.stdout.toString()).toBe('hello');
    });
  });

  it.each([
    [{ path: '' }],
    [{ path: 'a\0b' }],
    [{ path: 'true', args: ['\0'] }],
    [{ path: 'true', env: { 'A=B': 'x' } }],
    [{ path: 'true', env: { '1; reboot': 'x' } }],
    [{ path: 'true', input: 'x'.repeat(9 * 1024 * 1024) }],
  ])('rejects a command that no guest can run: %#', async (options) => {
    await withAgent(full, async (agent, fake) => {
      await expect(agent.exec(options)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
      expect(fake.calls).not.toContain('guest-exec');
    });
  });

  it('rejects a malformed list of commands', async () => {
    await using fake = await fakeAgent({ 'guest-info': () => ({ value: { supported_commands: 'all' } }) });
    const agent = new GuestAgent(fake);
    await expect(agent.exec({ path: 'true' })).rejects.toMatchObject({ code: 'GUEST_FAILED' });
    expect(fake.calls).toEqual(['guest-info']);
    agent.close();
  });

  it('names guest-exec if it is disabled in the agent', async () => {
    await using fake = await fakeAgent({
      'guest-info': () => ({ value: { version: '9.0', supported_commands: [] } }),
      'guest-exec': () => ({
        error: {
          class: 'CommandNotFound',
          desc: 'Command guest-exec has been disabled: the command is not allowed',
        },
      }),
    });
    const agent = new GuestAgent(fake);
    await expect(agent.exec({ path: 'true' })).rejects.toMatchObject({
      code: 'GUEST_AGENT_MISSING',
      message: expect.stringContaining('guest-exec: the command is disabled') as string,
    });
    agent.close();
  });
});
