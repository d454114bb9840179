import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { daemon, useDaemon } from './cli-run.ts';
import { demo } from './cli-samples.ts';
import { typed, type ShellName } from './cli-shell.ts';
import { json } from './cli-support.ts';

useDaemon();
const temporary = useTemporaryDirectory();

type Line = readonly [typed: string, ...words: string[]];

/** What each of the shells must complete in the same way. */
const names = [
  'my machine',
  'web',
  "it's",
  'a:b c',
  '亀 one',
  '$HOME',
  'x"y',
  'a;b&c|d',
  '~til',
  'tab[1]*',
  '-dash',
  'back\\slash',
];
const lines: readonly Line[] = [
  ['kame show my', 'show', 'my machine'],
  ['kame show my\\ ma', 'show', 'my machine'],
  ['kame show "my m', 'show', 'my machine'],
  ["kame show 'my m", 'show', 'my machine'],
  ['kame start web my', 'start', 'web', 'my machine'],
  ['kame show it', 'show', "it's"],
  ['kame show a:', 'show', 'a:b c'],
  ['kame show a:b\\ ', 'show', 'a:b c'],
  ['kame show "a:', 'show', 'a:b c'],
  ['kame show 亀', 'show', '亀 one'],
  ['kame show \\$', 'show', '$HOME'],
  ['kame show "\\$H', 'show', '$HOME'],
  ['kame show x', 'show', 'x"y'],
  ['kame show a\\;', 'show', 'a;b&c|d'],
  ["kame show 'a;", 'show', 'a;b&c|d'],
  ['kame show \\~', 'show', '~til'],
  ['kame show tab', 'show', 'tab[1]*'],
  ['kame show back', 'show', 'back\\slash'],
  ['kame show -- -d', 'show', '--', '-dash'],
];
const more: readonly Line[] = [
  ['kame snapshot ta', 'snapshot', 'take'],
  ['kame disk check my\\ machine nvme0', 'disk', 'check', 'my machine', 'nvme0:1'],
  ['kame disk check my\\ machine nvme0:', 'disk', 'check', 'my machine', 'nvme0:1'],
  ['kame create x --image=deb', 'create', 'x', '--image=debian-12'],
  ['kame create x --image deb', 'create', 'x', '--image', 'debian-12'],
  ['kame start x --wait=b', 'start', 'x', '--wait=boot'],
  ['kame register my\\ fi', 'register', 'my file.vmx'],
  ['kame create x --iso=my\\ fi', 'create', 'x', '--iso=my file.vmx'],
  ['kame register odd:', 'register', 'odd:name.vmx'],
];

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status === 0;
}

/** bash is everywhere; the others get a terminal from `script`, whose arguments are those of Linux. */
function canRun(shell: ShellName): boolean {
  return shell === 'bash' || (process.platform === 'linux' && isInstalled(shell));
}

describe.each(['bash', 'zsh', 'fish'] as const)('completion in a real %s', (shell) => {
  const words = (all: readonly Line[]) => all.map(([, ...expected]) => expected);
  const type = async (all: readonly Line[], files: readonly string[] = []) =>
    await typed(
      shell,
      temporary(),
      all.map(([line]) => line),
      files,
    );

  it.runIf(canRun(shell))('completes names with odd characters, however they are quoted', async () => {
    daemon.on('GET /v1/machines', json(names.map((name) => ({ ...demo, name }))));
    expect(await type(lines)).toEqual(words(lines));
  });

  it.runIf(canRun(shell))('completes verbs, slots, options with values, and files', async () => {
    daemon.on('GET /v1/machines', json([{ ...demo, name: 'my machine' }]));
    daemon.on('GET /v1/machines/my%20machine/disks', json([{ slot: 'nvme0:1' }]));
    daemon.on('GET /v1/images', json([{ id: 'debian-12' }]));
    expect(await type(more, ['my file.vmx', 'odd:name.vmx'])).toEqual(words(more));
  });
});
