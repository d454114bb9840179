import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../test/support/temporary-directory.ts';
import { buildProgram } from './programs.ts';

const makeDirectory = useTemporaryDirectory();
let directory: string;
let home: string;

const sources = {
  'demo.ts': `import { greet } from './greet.ts';
    async function run() {
      const { part } = await import(process.argv[2] === 'one' ? './one.ts' : './two.ts');
      console.log(greet(part()), import.meta.url.split('/').at(-1));
    }
    void run();`,
  'greet.ts': `import { createHash } from 'node:crypto';
    export const greet = (name: string) => 'hello ' + name;
    export const hash = (text: string) => createHash('sha1').update(text).digest('hex').slice(0, 4);`,
  'one.ts': `import { hash } from './greet.ts'; export const part = () => hash('one');`,
  'two.ts': `let found = 'two'; try { require('not-there'); found = 'wrong'; } catch {} export const part = () => found;`,
};
const texts = { one: 'hello fe05 demo.cjs\n', two: 'hello two demo.cjs\n' };

async function build(files: Record<string, string>): Promise<void> {
  const source = join(directory, 'src');
  mkdirSync(source, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(source, name), text);
  const options = {
    bundle: true,
    platform: 'node',
    target: 'node20',
    outExtension: { '.js': '.mjs' },
  } as const;
  await buildProgram('demo', relative(process.cwd(), join(source, 'demo.ts')), join(directory, 'dist'), {
    ...options,
    format: 'esm',
    external: ['not-there'],
    logLevel: 'silent',
  });
}

function run(part: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, [join(directory, 'dist', 'demo.cjs'), part], {
    env: { ...process.env, KAME_HOME: home },
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout;
}

/** The directory with the code of this build, and its files. */
function kept(): { readonly path: string; readonly files: string[] } {
  const name = readdirSync(join(home, 'cache')).find((each) => each.startsWith('code-')) ?? '';
  const path = join(home, 'cache', name);
  return { path, files: readdirSync(path).map((file) => file.replace(/-[A-Z0-9]{8}$/, '')) };
}

function pathOf(part: string): string {
  const { path } = kept();
  return join(path, readdirSync(path).find((file) => file.startsWith(part)) ?? '');
}

beforeEach(async () => {
  directory = makeDirectory();
  home = join(directory, 'home');
  mkdirSync(home);
  await build(sources);
});

describe('a command line', () => {
  it('loads a part when it is used, and keeps the code of what it has used', () => {
    expect(run('one')).toBe(texts.one);
    expect(kept().files.toSorted()).toEqual(['demo', 'one']);
    expect(run('two')).toBe(texts.two);
    expect(kept().files.toSorted()).toEqual(['demo', 'one', 'two']);
    const before = statSync(pathOf('demo')).mtimeMs;
    expect(run('one')).toBe(texts.one);
    expect(statSync(pathOf('demo')).mtimeMs).toBe(before);
  });

  it('works without a home, and makes none', () => {
    home = join(directory, 'none');
    expect(run('one')).toBe(texts.one);
    expect(existsSync(home)).toBe(false);
  });

  it.each<[string, (path: string) => void]>([
    ['is empty', (path) => writeFileSync(path, '')],
    ['is not code', (path) => writeFileSync(path, 'x'.repeat(10_000))],
    ['is cut off', (path) => writeFileSync(path, readFileSync(path).subarray(0, 200))],
    ['others may write to', (path) => chmodSync(path, 0o666)],
    ['has another name', (path) => linkSync(path, join(directory, 'other'))],
  ])('does not use code that %s, and replaces it', (_, change) => {
    run('one');
    change(pathOf('one'));
    expect(run('one')).toBe(texts.one);
    const { mode, nlink, size } = statSync(pathOf('one'));
    expect({ mode: mode & 0o777, nlink, large: size > 300 }).toEqual({ mode: 0o600, nlink: 1, large: true });
  });

  it('does not use the code of another build', async () => {
    run('two');
    await build({ ...sources, 'two.ts': sources['two.ts'].replace("'two'", "'owt'") });
    expect(run('two')).toBe('hello owt demo.cjs\n');
  });

  it('removes code of other builds after a month, and nothing else', () => {
    const old = (name: string) => {
      const path = join(home, 'cache', name);
      mkdirSync(path, { recursive: true });
      utimesSync(path, 0, 0);
    };
    mkdirSync(join(home, 'cache', 'code-1111111111111111-v20.0.0'), { recursive: true });
    for (const name of ['code-0123456789abcdef-v20.0.0', 'code-mine', 'debian']) old(name);
    run('one');
    const names = readdirSync(join(home, 'cache'));
    expect(names).toEqual(expect.arrayContaining(['code-1111111111111111-v20.0.0', 'code-mine', 'debian']));
    expect(names).not.toContain('code-0123456789abcdef-v20.0.0');
  });

  it('is not built where it imports a package that is not part of it', async () => {
    const demo = `import x from 'not-there'; console.log(x);`;
    await expect(build({ ...sources, 'demo.ts': demo })).rejects.toThrow('imports not-there');
  });
});
