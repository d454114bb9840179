import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { KameError, messageOf } from '../core/errors.ts';
import { spawnDetached } from './process.ts';

/** A program and its arguments. */
export interface BrowserCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** Browsers of the Chromium family, which can open a page as a window of its own. */
const linuxBrowsers = [
  'google-chrome',
  'google-chrome-stable',
  'chromium',
  'chromium-browser',
  'microsoft-edge',
  'microsoft-edge-stable',
  'brave-browser',
  'vivaldi',
];
const macBrowsers = ['Google Chrome', 'Chromium', 'Microsoft Edge', 'Brave Browser', 'Vivaldi'];

type Environment = Readonly<Record<string, string | undefined>>;

function onPath(name: string, env: Environment): string | undefined {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path));
}

function macCommand(address: string, env: Environment): BrowserCommand {
  const places = ['/Applications', join(env['HOME'] ?? '/', 'Applications')];
  const programs = macBrowsers.flatMap((name) =>
    places.map((place) => join(place, `${name}.app`, 'Contents', 'MacOS', name)),
  );
  const found = programs.find((path) => existsSync(path));
  return found
    ? { command: found, args: [`--app=${address}`] }
    : { command: '/usr/bin/open', args: [address] };
}

function linuxCommand(address: string, env: Environment): BrowserCommand | undefined {
  if ((env['DISPLAY'] ?? '') === '' && (env['WAYLAND_DISPLAY'] ?? '') === '') return undefined;
  const [found] = linuxBrowsers.flatMap((name) => onPath(name, env) ?? []);
  if (found !== undefined) return { command: found, args: [`--app=${address}`] };
  const opener = onPath('xdg-open', env);
  return opener === undefined ? undefined : { command: opener, args: [address] };
}

/** How to open an address for the person at this computer; undefined if it has no display or no browser. */
export function browserFor(
  address: string,
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): BrowserCommand | undefined {
  return platform === 'darwin' ? macCommand(address, env) : linuxCommand(address, env);
}

/** Starts a browser, which goes on by itself; no shell sees the address. @throws KameError HOST_PROBLEM */
export async function startBrowser({ command, args }: BrowserCommand, env: Environment): Promise<void> {
  try {
    await spawnDetached(command, args, { env });
  } catch (error) {
    throw new KameError('HOST_PROBLEM', `The browser could not be started: ${messageOf(error)}`, {
      next: 'Run `kame open --print`, and open the address in a browser.',
      cause: error,
    });
  }
}
