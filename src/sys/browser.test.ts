import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { browserFor, startBrowser } from './browser.ts';

const temporary = useTemporaryDirectory();
const address = 'http://127.0.0.1:4000/#ticket';

/** A directory with programs of these names, each of which writes down its arguments. */
function programs(...names: string[]): string {
  const directory = join(temporary(), 'bin');
  mkdirSync(directory);
  for (const name of names) {
    const path = join(directory, name);
    writeFileSync(
      path,
      `#!/bin/sh\nprintf '%s\\n' "$@" > "${path}.part" && mv "${path}.part" "${path}.arguments"\n`,
    );
    chmodSync(path, 0o755);
  }
  return directory;
}

it('opens a window of its own in a browser of the Chromium family', () => {
  const directory = programs('xdg-open', 'chromium');
  const env = { PATH: `relative:${directory}`, WAYLAND_DISPLAY: 'wayland-0' };
  expect(browserFor(address, env, 'linux')).toEqual({
    command: join(directory, 'chromium'),
    args: [`--app=${address}`],
  });
});

it('asks the desktop for another browser', () => {
  const directory = programs('xdg-open');
  expect(browserFor(address, { PATH: directory, DISPLAY: ':0' }, 'linux')).toEqual({
    command: join(directory, 'xdg-open'),
    args: [address],
  });
});

it('opens nothing without a display or a browser', () => {
  const directory = programs('chromium');
  expect(browserFor(address, { PATH: directory }, 'linux')).toBeUndefined();
  expect(browserFor(address, { PATH: '', DISPLAY: ':0' }, 'linux')).toBeUndefined();
});

it('opens an address on macOS', () => {
  const home = temporary();
  const program = join(home, 'Applications', 'Vivaldi.app', 'Contents', 'MacOS', 'Vivaldi');
  expect(browserFor(address, { HOME: home }, 'darwin')?.args).toHaveLength(1);
  mkdirSync(join(program, '..'), { recursive: true });
  writeFileSync(program, '');
  expect(browserFor(address, { HOME: home }, 'darwin')?.args).toEqual([`--app=${address}`]);
});

it('gives the address to the program as it is, not to a shell', async () => {
  const directory = programs('xdg-open');
  const hostile = 'http://127.0.0.1/#$(touch x);`id`&"';
  const env = { PATH: `${directory}:${process.env['PATH'] ?? ''}`, DISPLAY: ':0' };
  await startBrowser({ command: join(directory, 'xdg-open'), args: [hostile] }, env);
  const written = () => {
    try {
      return readFileSync(join(directory, 'xdg-open.arguments'), 'utf8');
    } catch {
      return '';
    }
  };
  await expect.poll(written).toBe(`${hostile}\n`);
});

it('says what to do when the browser does not start', async () => {
  await expect(startBrowser({ command: join(temporary(), 'missing'), args: [] }, {})).rejects.toMatchObject({
    code: 'HOST_PROBLEM',
    next: expect.stringContaining('--print') as string,
  });
});
