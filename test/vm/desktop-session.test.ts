import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect } from 'vitest';
import { cannotBuild, makeDesktopGuest } from '../../bench/desktop/make.ts';
import { poll } from '../../src/core/deadline.ts';
import type { ClipboardStatus } from '../../src/api/clipboard.ts';
import { desktopArch, desktopTest as it } from '../support/desktop-guest.ts';
import type { DesktopMachine } from '../support/desktop-machine.ts';
import { kameProgram } from '../support/home.ts';

// Desktops as people have them, with the programs that they use for the clipboard.

/** In CI it must be possible, unless only the user is in the way. */
const reason = cannotBuild();
const skip = reason !== null && (process.env['CI'] !== 'true' || process.getuid?.() !== 0);

interface Programs {
  readonly copy: (type: string) => string;
  readonly paste: (type: string) => string;
  readonly size: string;
}

const wayland: Programs = {
  copy: (type) => `wl-copy --type '${type}'`,
  paste: (type) => `wl-paste --no-newline --type '${type}'`,
  size: "wlr-randr | sed -n 's/^ *\\([0-9x]*\\) px.*current.*/\\1/p'",
};

const x11: Programs = {
  // It stays behind to serve the clipboard, and must not hold the output.
  copy: (type) => `xclip -in -selection clipboard -t '${type}' > /dev/null 2>&1`,
  paste: (type) => `xclip -out -selection clipboard -t '${type}'`,
  size: "xrandr | sed -n 's/.*current \\([0-9]*\\) x \\([0-9]*\\),.*/\\1x\\2/p'",
};

const large = 'ぬ0123456789abcdef\n'.repeat(55_000);
const texts = { 'five bytes': 'hello', 'letters and emoji': 'žluťoučký 日本語 👩‍💻🎉', 'over 1 MB': large };

async function put({ guest }: DesktopMachine, type: string, content: Buffer): Promise<void> {
  const file = join(guest.home.path, 'content');
  await writeFile(file, content);
  const { code, stderr } = await guest.home.kame(['clipboard', 'set', guest.name, file, '--type', type]);
  expect([code, stderr.replaceAll(/.*Waiting for.*\n/g, '')]).toEqual([0, '']);
}

/** What a program of the guest reads, as base64: what it prints need not be text. */
async function pasted(desktop: DesktopMachine, command: string): Promise<Buffer> {
  const { stdout } = await desktop.inSession(`${command} | base64 -w0`);
  return Buffer.from(stdout, 'base64');
}

async function got({ guest }: DesktopMachine, type: string): Promise<Buffer> {
  const { stdout } = await guest.home.kame(['clipboard', 'get', guest.name, '--type', type, '--json']);
  const { text, base64 } = JSON.parse(stdout) as { text?: string; base64?: string };
  return text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
}

/** Waits until what a program of the guest has copied is known. */
async function copied({ guest }: DesktopMachine, type: string): Promise<void> {
  const look = async () => {
    const status = await guest.home.json<ClipboardStatus>('clipboard', 'show', guest.name);
    return status.owner === 'guest' && status.types.includes(type) ? true : undefined;
  };
  expect(await poll(look, { deadlineMs: 20_000 })).toBe(true);
}

async function bothWays(desktop: DesktopMachine, programs: Programs): Promise<void> {
  const { guest } = desktop;
  const screen = join(guest.home.path, 'screen.png');
  await guest.home.json('screenshot', guest.name, screen);
  const contents: [string, string, Buffer][] = [
    ...Object.entries(texts).map(([name, text]): [string, string, Buffer] => [
      name,
      'text/plain',
      Buffer.from(text),
    ]),
    ['HTML', 'text/html', Buffer.from('<p>naïve <b>bold</b></p>')],
    ['a picture', 'image/png', await readFile(screen)],
  ];
  for (const [name, type, content] of contents) {
    await put(desktop, type, content);
    const seen = await pasted(desktop, programs.paste(type === 'text/plain' ? 'UTF8_STRING' : type));
    expect(seen.equals(content), `${name} into the guest`).toBe(true);
    const { code } = await desktop.inSession(
      programs.copy(type === 'text/plain' ? 'UTF8_STRING' : type),
      content,
    );
    expect(code).toBe(0);
    await copied(desktop, type);
    expect((await got(desktop, type)).equals(content), `${name} out of the guest`).toBe(true);
  }
}

async function resizes(desktop: DesktopMachine, programs: Programs, sizes: readonly string[]): Promise<void> {
  const { guest } = desktop;
  const file = join(guest.home.path, 'resized.png');
  for (const size of sizes) {
    expect(await guest.home.kame(['resolution', guest.name, size])).toMatchObject({
      code: 0,
      stdout: `${size}\n`,
    });
    expect((await desktop.inSession(programs.size)).stdout).toBe(`${size}\n`);
    await guest.home.json('screenshot', guest.name, file);
    const png = await readFile(file);
    expect(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`).toBe(size);
  }
}

/** Drops a file, which the user must have then. @returns what the command prints */
async function drops(desktop: DesktopMachine, name: string): Promise<string> {
  const { guest } = desktop;
  const file = join(guest.home.path, name);
  await writeFile(file, large);
  const { code, stdout, stderr } = await guest.home.kame(['copy', '--drop', file, `${guest.name}:`]);
  expect([code, stderr.replaceAll(/.*(?:Waiting for|Copying).*\n/g, '')]).toEqual([0, '']);
  const found = await desktop.inSession(`find ~ -user user -name '${name}' -exec cat {} +`);
  expect(found.stdout === large, `${name} in the guest`).toBe(true);
  return stdout;
}

describe.skipIf(skip)('kame-tools in the session of a desktop', () => {
  beforeAll(async () => void (await makeDesktopGuest(desktopArch, new AbortController().signal)), 600_000);

  it('share the clipboard of labwc, and change its size', { timeout: 480_000 }, async ({ desktop }) => {
    expect(await desktop.helperAnswers()).toMatch(
      /clipboard by .*data_control.*, the display by zwlr_output/,
    );
    await bothWays(desktop, wayland);
    await resizes(desktop, wayland, ['1600x900', '1366x768', '1921x1079']);
    expect(await drops(desktop, 'for wayland.txt')).toMatch(/: \/home\/user\/.*for wayland.txt\n$/);
  });

  // Each window that opens is drawn by emulated processors, so that one clipboard takes longer than all of labwc: only on request.
  it.skipIf(process.env['KAME_TEST_MUTTER'] === undefined)(
    'share text with GNOME through Xwayland, whose display follows that of the machine',
    { timeout: 1_200_000 },
    async ({ desktop }) => {
      const { guest } = desktop;
      await desktop.use('mutter');
      expect(await desktop.helperAnswers()).toBe('the clipboard by x11');
      for (const size of ['800x600', '1024x768']) {
        const asked = ['resolution', guest.name, size, '--timeout', '120'];
        expect(await guest.home.kame(asked)).toMatchObject({ code: 0, stdout: `${size}\n` });
        const has = async () => (await desktop.inSession(x11.size)).stdout;
        await expect.poll(has, { timeout: 60_000 }).toBe(`${size}\n`);
      }
      await put(desktop, 'text/plain', Buffer.from(texts['letters and emoji']));
      const seen = await pasted(desktop, wayland.paste('UTF8_STRING'));
      expect(seen.toString()).toBe(texts['letters and emoji']);
      await desktop.inSession(`${wayland.copy('text/plain')} > /dev/null 2>&1`, 'from GNOME');
      await copied(desktop, 'text/plain');
      expect((await got(desktop, 'text/plain')).toString()).toBe('from GNOME');
    },
  );

  it('are in a guest that kame ssh reaches with a key that kame has put there', async ({ desktop }) => {
    const { guest } = desktop;
    const { home, name } = guest;
    await guest.sh('systemctl start systemd-networkd ssh');
    const key = join(home.path, 'key');
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const options = ['--user', 'root', '--timeout', '120'];
    const command = [process.execPath, kameProgram, 'ssh', name, ...options, '--', 'hostname; exit 7'];
    // The ssh of the host takes the key from its agent.
    const ssh = async () =>
      await execa('ssh-agent', ['sh', '-c', `ssh-add -q '${key}' && exec "$@"`, 'sh', ...command], {
        env: home.env,
        reject: false,
        stdin: 'ignore',
        // Without a terminal, on which it would ask for a password.
        detached: true,
      });
    expect(await ssh()).toMatchObject({
      exitCode: 255,
      stderr: expect.stringContaining('Permission denied'),
    });
    await home.json('guest', 'ssh-key', 'add', name, 'root', `${key}.pub`);
    expect(await ssh()).toMatchObject({ exitCode: 7, stdout: 'desk' });
  });

  it(
    'share the clipboard of X11, whose size the SPICE agent changes',
    { timeout: 480_000 },
    async ({ desktop }) => {
      await desktop.use('x11');
      expect(await desktop.helperAnswers()).toBe('the clipboard by x11');
      await bothWays(desktop, x11);
      await resizes(desktop, x11, ['1600x900', '1360x768', '1024x768']);
      // Without kame-tools in the session, the SPICE agent takes files.
      await desktop.guest.sh('pkill -u user -x kame-tools');
      expect(await drops(desktop, 'for the agent.txt')).toContain('the session of the guest knows where');
    },
  );
});
