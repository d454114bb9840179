import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { insertable, readBashLine } from '../../src/cli/kame/complete-bash.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { daemon, run, useDaemon } from './cli-run.ts';
import { demo } from './cli-samples.ts';
import { json } from './cli-support.ts';

useDaemon();
const temporary = useTemporaryDirectory();

/** Asks the command line in this process: its sources take long to load. */
const asker = `
const { request } = require('node:http');
const outgoing = request({ socketPath: process.argv[2], method: 'POST' }, (answer) => answer.pipe(process.stdout));
outgoing.end(JSON.stringify(process.argv.slice(3)));
`;

async function serveCompletions(socket: string): Promise<void> {
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      response.end((await run(['__complete', ...(JSON.parse(body) as string[])])).stdout);
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => void server.close());
}

/** Types lines, with a tab at the end of each, into a real bash; the arguments that `kame` then gets, line by line. */
async function typed(lines: readonly string[], files: readonly string[] = []): Promise<string[][]> {
  const directory = temporary();
  const hidden = join(directory, '.hidden');
  const [socket, output, asks] = ['socket', 'output', 'ask.cjs'].map((name) => join(hidden, name));
  mkdirSync(hidden);
  for (const name of files) writeFileSync(join(directory, name), '');
  await serveCompletions(String(socket));
  writeFileSync(String(asks), asker);
  const { stdout: script } = await run(['completion', 'bash']);
  const setUp = `kame() {
  if [ "$1" = __complete ]; then '${process.execPath}' '${asks}' '${socket}' "\${@:2}"
  else printf '%s\\0' "$@" >>'${output}'; printf '\\n' >>'${output}'; fi
}
${script}`;
  writeFileSync(join(hidden, 'up'), setUp);
  const bash = spawn('bash', ['--norc', '--noprofile', '-i'], {
    cwd: directory,
    env: { ...process.env, TERM: 'dumb', LC_ALL: 'C.UTF-8', INPUTRC: '/dev/null', HISTFILE: '' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  bash.stdin.end(`source .hidden/up\n${lines.map((line) => `${line}\t\n`).join('')}exit\n`);
  await new Promise((resolve) => bash.once('close', resolve));
  if (!existsSync(String(output))) throw new Error('bash ran no command.');
  const rows = readFileSync(String(output), 'utf8').split('\n').slice(0, -1);
  return rows.map((line) => line.split('\0').slice(0, -1));
}

describe('completion in a real bash', () => {
  it('completes names with spaces, quotes, colons and other letters, however they are quoted', async () => {
    const names = ['my machine', 'web', "it's", 'a:b c', '亀 one', '$HOME'];
    daemon.on('GET /v1/machines', json(names.map((name) => ({ ...demo, name }))));
    const lines: [typed: string, ...words: string[]][] = [
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
    ];
    expect(await typed(lines.map(([line]) => line))).toEqual(lines.map(([, ...words]) => words));
  });

  it('completes slots, options with values, and files', async () => {
    daemon.on('GET /v1/machines', json([{ ...demo, name: 'my machine' }]));
    daemon.on('GET /v1/machines/my%20machine/disks', json([{ slot: 'nvme0:1' }]));
    daemon.on('GET /v1/images', json([{ id: 'debian-12' }]));
    const lines: [typed: string, ...words: string[]][] = [
      ['kame disk check my\\ machine nvme0', 'disk', 'check', 'my machine', 'nvme0:1'],
      ['kame disk check my\\ machine nvme0:', 'disk', 'check', 'my machine', 'nvme0:1'],
      ['kame create x --image=deb', 'create', 'x', '--image=debian-12'],
      ['kame create x --image deb', 'create', 'x', '--image', 'debian-12'],
      ['kame start x --wait=b', 'start', 'x', '--wait=boot'],
      ['kame register my\\ fi', 'register', 'my file.vmx'],
      ['kame create x --iso=my\\ fi', 'create', 'x', '--iso=my file.vmx'],
      ['kame register odd:', 'register', 'odd:name.vmx'],
    ];
    const words = await typed(
      lines.map(([line]) => line),
      ['my file.vmx', 'odd:name.vmx'],
    );
    expect(words).toEqual(lines.map(([, ...expected]) => expected));
  });
});

describe('a line of bash', () => {
  const breaks = ' \t\n"\'@><=;|&(:';
  it.each([
    ['kame ', { words: [], current: '', kept: '', quote: '' }],
    ['kame show a\\ b', { words: ['show'], current: 'a b', kept: '', quote: '' }],
    ['kame show "a\\ b', { words: ['show'], current: 'a\\ b', kept: '', quote: '"' }],
    ['kame show "a b" c:d', { words: ['show', 'a b'], current: 'c:d', kept: 'c:', quote: '' }],
    ["kame show x'y:z", { words: ['show'], current: 'xy:z', kept: 'x', quote: "'" }],
    ['kame show a\\:b', { words: ['show'], current: 'a:b', kept: '', quote: '' }],
  ])('%j is read', (line, expected) => {
    expect(readBashLine(line, breaks)).toEqual(expected);
  });

  it('is quoted as needed to keep its meaning', () => {
    const inserted = [
      insertable('a b', ''),
      insertable('a b$', '"'),
      insertable("a'b", ''),
      insertable('亀:x', ''),
    ];
    expect(inserted).toEqual(['a\\ b', 'a b\\$', "a\\'b", '亀:x']);
  });
});
