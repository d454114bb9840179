import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { NatMonitor } from './nat-monitor.ts';

const temporary = useTemporaryDirectory();
const limits = { deadlineMs: 5000 };
const forward = {
  transport: 'tcp',
  bind: '127.0.0.1',
  hostPort: 8080,
  address: '192.168.77.130',
  guestPort: 80,
} as const;
let server: Server | undefined;

afterEach(() => {
  server?.close();
  server = undefined;
});

interface Command {
  readonly execute: string;
  readonly id: string;
  readonly arguments?: { readonly 'command-line': string };
}

/** A monitor that answers each line for people as told. @returns the client and the lines that it sent */
async function open(answer: (line: string) => string): Promise<{ monitor: NatMonitor; lines: string[] }> {
  const path = join(temporary(), 'qmp');
  const lines: string[] = [];
  server = createServer((socket) => {
    const version = { qemu: { major: 7, minor: 2, micro: 0 }, package: '' };
    socket.write(`${JSON.stringify({ QMP: { version, capabilities: [] } })}\r\n`);
    socket.on('data', (chunk) => {
      for (const text of chunk.toString().trim().split('\n')) {
        const command = JSON.parse(text) as Command;
        const line = command.arguments?.['command-line'];
        if (line !== undefined) lines.push(line);
        socket.write(
          `${JSON.stringify({ return: line === undefined ? {} : answer(line), id: command.id })}\r\n`,
        );
      }
    });
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  return { monitor: await NatMonitor.open(path, limits), lines };
}

describe('the monitor of a NAT', () => {
  it('adds a forward: no output means success', async () => {
    const { monitor, lines } = await open(() => '');
    expect(await monitor.add(forward, limits)).toBe(true);
    expect(lines).toEqual(['hostfwd_add nat tcp:127.0.0.1:8080-192.168.77.130:80']);
    await monitor[Symbol.asyncDispose]();
  });

  it('treats any output as a refusal', async () => {
    const { monitor } = await open(() => 'Could not set up host forwarding rule\r\n');
    expect(await monitor.add(forward, limits)).toBe(false);
    await monitor[Symbol.asyncDispose]();
  });

  it('removes a forward, whether it is there or not', async () => {
    const { monitor, lines } = await open(() => 'host forwarding rule for udp:0.0.0.0:53 not found\r\n');
    await monitor.remove({ transport: 'udp', bind: '0.0.0.0', hostPort: 53 }, limits);
    expect(lines).toEqual(['hostfwd_remove nat udp:0.0.0.0:53']);
    await monitor[Symbol.asyncDispose]();
  });

  it('sends only valid addresses', async () => {
    const { monitor, lines } = await open(() => '');
    const odd = { ...forward, address: '192.168.77.130:80\nquit' };
    await expect(monitor.add(odd, limits)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    await expect(monitor.remove({ ...forward, bind: '::1' }, limits)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
    });
    expect(lines).toEqual([]);
    await monitor[Symbol.asyncDispose]();
  });
});
