import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../src/core/version.ts';
import { builtIn } from '../support/home.ts';
import { homeTest } from '../support/home-test.ts';

// The package as its users get it: packed, installed into an empty prefix without a network, and used.

const root = fileURLToPath(new URL('../..', import.meta.url));
const notBuilt = ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'guest'];
let directory: string;
let prefix: string;
let packed: string[];

interface PackReport {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

async function npm(cwd: string, ...args: string[]): Promise<string> {
  const offline = ['--offline', '--cache', join(directory, 'cache'), '--no-audit', '--no-fund'];
  return (await execa('npm', [...args, ...offline], { cwd })).stdout;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kame-sdk-'));
  prefix = join(directory, 'prefix');
  const source = join(directory, 'source');
  for (const name of notBuilt) cpSync(join(root, name), join(source, name), { recursive: true });
  cpSync(builtIn, join(source, 'dist'), { recursive: true });
  const [report] = JSON.parse(await npm(source, 'pack', '--json')) as PackReport[];
  packed = report?.files.map(({ path }) => path) ?? [];
  mkdirSync(prefix);
  await npm(directory, 'install', '--prefix', prefix, join(source, report?.filename ?? ''));
});

afterAll(async () => await rm(directory, { recursive: true, force: true }));

/** What a user of the SDK writes: every name it uses must have its type. */
const consumer = `
import { connect, KameError, type ErrorCode, type KameClient, type Machine, type MachineState } from 'kame-vm';
import { createClient, fetchTransport, type Client } from 'kame-vm/core';

export async function states(client: Client): Promise<MachineState[]> {
  const machines: Machine[] = await client.machines.list();
  return machines.map(({ state }) => state);
}

export async function use(): Promise<ErrorCode | number | null> {
  await using client: KameClient = await connect({ home: '/nowhere', startDaemon: false });
  try {
    const { machines, stoppedMs } = await client.machines.clone('demo', { name: 'copy', kind: 'instant', count: 2 });
    // @ts-expect-error -- not a valid wait
    await client.machines.start('demo', { wait: 'forever' });
    // @ts-expect-error -- what is answered has a type
    const wrong: number = machines;
    for await (const { type, machine } of client.host.events()) console.log(type, machine, wrong);
    return stoppedMs;
  } catch (error) {
    return error instanceof KameError ? error.code : 0;
  }
}

export const remote: Client = createClient(fetchTransport({ baseUrl: 'https://kame.test', fetch }));
`;

/** Creates, starts, clones and ends a machine, and prints what it saw. */
const program = `
import { connect } from 'kame-vm';
const seen = { stages: [] };
{
  await using client = await connect();
  await client.machines.create({ name: 'demo', image: 'tiny' });
  const onProgress = ({ stage }) => seen.stages.push(stage);
  seen.started = (await client.machines.start('demo', {}, { onProgress })).state;
  seen.cloned = (await client.machines.clone('demo', { name: 'copy', kind: 'instant' })).machines[0].state;
  let output = '';
  const request = { command: ['echo', 'hello'] };
  const streams = { output: async (_stream, data) => void (output += new TextDecoder().decode(data)) };
  seen.exec = { ...(await client.machines.exec('copy', request, streams)), output };
  for (const name of ['copy', 'demo']) {
    await client.machines.stop(name, { hard: true });
    await client.machines.delete(name);
  }
  seen.left = await client.machines.list();
  await client.stopDaemon();
  seen.running = (await client.daemonStatus()).running;
}
console.log(JSON.stringify(seen));
`;

describe('the package', () => {
  it('has what it needs and nothing else', () => {
    const folders = new Set(packed.map((path) => path.split('/')[0]));
    const expected = ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'guest', 'package.json'];
    expect(folders).toEqual(new Set(expected));
    expect(packed.filter((path) => path.includes('.test.'))).toEqual([]);
    const manifest = JSON.parse(
      readFileSync(join(prefix, 'node_modules', 'kame-vm', 'package.json'), 'utf8'),
    ) as object;
    expect(manifest).not.toHaveProperty('dependencies');
  });

  it('gives the program kame', async () => {
    const { stdout } = await execa(join(prefix, 'node_modules', '.bin', 'kame'), ['--version']);
    expect(stdout).toBe(version);
  });

  it('gives types that need nothing else installed', async () => {
    writeFileSync(join(prefix, 'consumer.mts'), consumer);
    const tsc = join(root, 'node_modules', 'typescript-native', 'bin', 'tsc');
    const options = ['--strict', '--skipLibCheck', 'false', '--noEmit', '--target', 'es2022', '--types', ''];
    const { all } = await execa(
      process.execPath,
      [tsc, '--ignoreConfig', ...options, '--module', 'nodenext', 'consumer.mts'],
      { cwd: prefix, all: true, reject: false },
    );
    expect(all).toBe('');
  });

  homeTest('creates, starts, clones and ends a real machine', async ({ home }) => {
    // Node 20 has no `await using`: written as its users write it, and compiled as their tools do.
    writeFileSync(join(prefix, 'program.mts'), program);
    const esbuild = join(root, 'node_modules', 'esbuild', 'bin', 'esbuild');
    await execa(process.execPath, [esbuild, 'program.mts', '--target=node20', '--outfile=program.mjs'], {
      cwd: prefix,
    });
    const { stdout } = await execa(process.execPath, ['program.mjs'], { cwd: prefix, env: home.env });
    expect(JSON.parse(stdout)).toEqual({
      stages: expect.arrayContaining(['Starting demo']) as unknown,
      started: 'running',
      cloned: 'running',
      exec: { exitCode: 0, signal: null, output: 'hello\n' },
      left: [],
      running: false,
    });
  });
});
