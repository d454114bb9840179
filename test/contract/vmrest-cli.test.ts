import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/vmrest/main.ts';
import { version } from '../../src/core/version.ts';
import { freePort } from '../../src/sys/port-probe.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { terminalInput } from './cli-support.ts';
import { authorization, credentials } from './vmrest-server.ts';

// The command line of vmrest.

const temporary = useTemporaryDirectory();
let home = '';
beforeEach(() => {
  home = temporary();
});
const line = `vmrest 1.3.1 build-0 (Kame ${version}, not VMware)\n`;
const file = (): string => join(home, '.vmrestCfg');

/** Begins a command line; what it prints is in the texts as it comes. */
function begin(argv: readonly string[], stdin: PassThrough & { isTTY?: boolean } = new PassThrough()) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = { stdout: '', stderr: '' };
  const signals = new EventEmitter();
  stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const code = main(argv, {
    env: { HOME: home, KAME_HOME: join(home, 'k') },
    cwd: home,
    stdin,
    stdout,
    stderr,
    signals,
    daemon: { command: '/no/such/program', args: [] },
  });
  const printed = async (text: string) => {
    while (!texts.stdout.includes(text)) await once(stdout, 'data');
  };
  return { code, texts, signals, printed };
}

async function run(argv: readonly string[], input?: string) {
  const stdin = new PassThrough();
  const { code, texts } = begin(argv, stdin);
  stdin.end(input ?? '');
  return { code: await code, ...texts };
}

function writeFile(): void {
  const { username, password, salt } = credentials;
  writeFileSync(file(), `port=8697\r\nusername=${username}\r\npassword=${password}\r\nsalt=${salt}\r\n`);
}

describe('the command line of vmrest', () => {
  it('tells its version as clients read it', async () => {
    expect(await run(['-v'])).toEqual({ code: 0, stdout: line, stderr: '' });
    expect(line).toMatch(/vmrest ([\d+.]+) /u);
    expect((await run(['--help'])).stdout).toContain('Usage: vmrest [OPTIONS]');
  });

  it.each([
    [['-x'], 'Unknown option'],
    [['-p', '0'], 'is not a port'],
    [['-p', 'http'], 'is not a port'],
    [['-i', 'localhost'], 'is not an IP address'],
    [['-i', '0.0.0.0'], 'needs HTTPS'],
    [['-i', '::'], 'needs HTTPS'],
    [['-c', 'cert.pem'], '-c and -k go together'],
    [['serve'], 'Unexpected argument'],
  ])('refuses %j', async (argv, text) => {
    expect(await run(argv)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(text) });
  });

  it('says how to set a password when there is none', async () => {
    const { code, stderr } = await run([]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `vmrest: There is no user name and no password yet: ${file()} does not exist.\n  \`vmrest -C\` sets them.\n`,
    );
  });

  it('asks for a name and, without showing it, for a password at a terminal', async () => {
    const { stream, modes } = terminalInput();
    const { code, texts } = begin(['-C'], stream);
    stream.write('ada\rPasx\u007fsw0rd!\rPassw0rd!\r');
    expect(await code).toBe(0);
    expect(texts.stdout).toBe(
      `VMware Workstation REST API\n\n${line}-\nUsername:New password:\nRetype new password:\nProcessing...\nCredential updated successfully\n`,
    );
    expect(modes).toEqual([true, false, true, false]);
    expect(readFileSync(file(), 'utf8')).toMatch(/^port=8697\r\nusername=ada\r\npassword=\$2b\$10\$/u);
  });

  it('keeps the port that the file has', async () => {
    writeFile();
    writeFileSync(file(), readFileSync(file(), 'utf8').replace('8697', '9000'));
    expect((await run(['-C'], 'bob\r\nPassw0rd!\r\nPassw0rd!\r\n')).code).toBe(0);
    expect(readFileSync(file(), 'utf8')).toMatch(/^port=9000\r\nusername=bob\r\n/u);
  });

  it.each([
    [
      'a weak password',
      'ada\npassword\npassword\n',
      'it lacks a capital letter, a digit, a special character',
    ],
    ['another password the second time', 'ada\nPassw0rd!\nPassw0rd?\n', 'are not the same'],
    ['a name with a colon', 'a:b\nPassw0rd!\nPassw0rd!\n', 'is not a valid user name'],
    ['nothing', '', 'is not a valid user name'],
    ['Ctrl-C', 'ada\nPass\u0003', 'Nothing was changed'],
  ])('sets nothing after %s', async (_what, input, text) => {
    expect(await run(['-C'], input)).toMatchObject({ code: 1, stderr: expect.stringContaining(text) });
    expect(() => readFileSync(file())).toThrow('ENOENT');
  });

  it('serves until a signal, and says when its port is taken', async () => {
    writeFile();
    const port = String(await freePort('127.0.0.1'));
    const first = begin(['-p', port]);
    await first.printed('Press Ctrl+C to stop.\n');
    expect(first.texts.stdout).toBe(
      `VMware Workstation REST API\n\n${line}-\nServing HTTP on 127.0.0.1:${port}\n-\nPress Ctrl+C to stop.\n`,
    );
    expect((await fetch(`http://127.0.0.1:${port}/json/swagger.json`)).status).toBe(200);
    const second = await run(['-p', port]);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('Cannot listen on port') });
    first.signals.emit('SIGTERM');
    expect(await first.code).toBe(0);
  });

  it('serves HTTPS with a certificate', async () => {
    writeFile();
    const [cert, key] = [join(home, 'c.pem'), join(home, 'k.pem')];
    const subject = ['-subj', '/CN=localhost', '-days', '1'];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    execFileSync('openssl', [...made, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const port = await freePort('127.0.0.1');
    const served = begin(['-c', 'c.pem', '-k', 'k.pem', '-p', String(port)]);
    await served.printed(`Serving HTTPS on 127.0.0.1:${port}\n`);
    const options = { port, path: '/api/nope', ca: readFileSync(cert), headers: { authorization } };
    const [response] = (await once(get({ host: 'localhost', family: 4, ...options }), 'response')) as [
      IncomingMessage,
    ];
    expect(response.resume().statusCode).toBe(404);
    served.signals.emit('SIGINT');
    served.signals.emit('SIGINT');
    expect(await served.code).toBe(0);
  });
});
