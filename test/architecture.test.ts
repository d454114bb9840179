import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCircle, folderGraph, folderOf, importsOf, printsOf, sources } from './support/source-imports.ts';

interface Rule {
  /** Folders of src/ that it may import, besides itself; each with all folders below it. */
  readonly folders: readonly string[];
  /** Packages of npm that it may import. */
  readonly packages?: readonly string[];
  /** Whether it may import modules of Node. Default true. Only sys/ may import node:child_process. */
  readonly node?: false;
}

const pure = ['core', 'vmx', 'model'];
const host = [...pure, 'sys'];
/** What every room of vm may use; the rooms that it may use stand in its row. */
const vm = [
  ...host,
  'api',
  'archive',
  'disk',
  'net',
  'qemu',
  'guest',
  'image',
  'network',
  'ovf',
  'store',
  'webdav',
];
const commandLine = ['@commander-js/extra-typings', 'commander'];

/** THE TABLE: who may import what, from the bottom up. Change it here, with a reason in docs/adr/0011-layout-and-imports.md. */
const table: Readonly<Record<string, Rule>> = {
  core: { folders: [], node: false },
  vmx: { folders: ['core'], node: false },
  model: { folders: ['core', 'vmx'], node: false },
  api: { folders: pure, packages: ['zod'], node: false },
  sys: { folders: ['core'], packages: ['execa'] },
  'archive/tar': { folders: [], node: false },
  archive: { folders: ['core', 'sys', 'archive/tar'] },
  'disk/format': { folders: ['core', 'sys'] },
  ovf: { folders: [...host, 'disk/format'], packages: ['saxes'] },
  'disk/vmdk': { folders: ['core', 'vmx', 'sys', 'disk/format'] },
  'disk/vhdx': { folders: ['core', 'disk/format'] },
  'disk/vdi': { folders: ['disk/format'] },
  disk: { folders: [...host, 'disk/format', 'disk/vmdk', 'disk/vhdx', 'disk/vdi'] },
  'qemu/qmp': { folders: host },
  'qemu/capabilities': { folders: [...host, 'qemu/qmp'], packages: ['zod'] },
  'qemu/firmware': { folders: host },
  'qemu/accelerator': { folders: [...host, 'qemu/capabilities'] },
  'qemu/graphics': { folders: [...host, 'qemu/qmp', 'qemu/capabilities'] },
  'qemu/plan': { folders: [...host, 'qemu/qmp', 'qemu/capabilities', 'qemu/firmware', 'qemu/graphics'] },
  'qemu/rfb': { folders: host },
  'qemu/network': { folders: [...host, 'qemu/qmp', 'qemu/plan'] },
  qemu: { folders: [...host, 'qemu/qmp', 'qemu/capabilities', 'qemu/firmware', 'qemu/plan'] },
  webdav: { folders: ['core', 'sys'] },
  'guest/agent': { folders: host },
  'guest/tools': { folders: [...host, 'guest/agent'] },
  'guest/identity': { folders: [...host, 'guest/agent', 'guest/tools'] },
  'guest/vdagent': { folders: [...host, 'guest/agent'] },
  'guest/desktop': { folders: [...host, 'guest/agent', 'guest/tools', 'guest/vdagent'] },
  'guest/transfer': { folders: [...host, 'archive'] },
  'guest/webdav': { folders: [...host, 'webdav'] },
  'network/packet': { folders: ['core'], node: false },
  'network/tcp': { folders: ['network/packet'] },
  network: { folders: [...host, 'network/packet', 'network/tcp'] },
  net: { folders: ['core', 'sys'], packages: ['undici'] },
  'image/debian': {
    folders: ['archive', 'core', 'sys', 'net'],
    packages: ['openpgp', 'undici', 'xz-decompress'],
  },
  'image/seed': { folders: ['core', 'sys'] },
  'image/tiny': { folders: [...host, 'disk', 'image/debian'] },
  image: { folders: [...host, 'disk', 'net', 'image/tiny'], packages: ['zod'] },
  store: { folders: host },
  'vm/host': { folders: vm },
  'vm/companion': { folders: vm },
  'vm/engine': { folders: [...vm, 'vm/host', 'vm/companion'] },
  'vm/network': { folders: [...vm, 'vm/host', 'vm/companion', 'vm/engine'] },
  'vm/bundle': { folders: [...vm, 'vm/host', 'vm/engine'] },
  'vm/layers': { folders: [...vm, 'vm/host', 'vm/engine'] },
  'vm/running': { folders: [...vm, 'vm/host', 'vm/companion', 'vm/engine', 'vm/layers'] },
  'vm/activity': { folders: [...vm, 'vm/host'] },
  'vm/guest': { folders: [...vm, 'vm/host', 'vm/engine', 'vm/running'] },
  'vm/inside': { folders: [...vm, 'vm/host', 'vm/engine', 'vm/running', 'vm/guest'] },
  'vm/copy': { folders: [...vm, 'vm/host', 'vm/engine', 'vm/guest'] },
  'vm/clipboard': { folders: [...vm, 'vm/host', 'vm/running'] },
  'vm/drop': { folders: [...vm, 'vm/host', 'vm/clipboard'] },
  'vm/sound': { folders: [...vm, 'vm/engine', 'vm/host'] },
  'vm/memory': { folders: [...vm, 'vm/host', 'vm/engine', 'vm/running'] },
  'vm/share': { folders: [...vm, 'vm/host', 'vm/running', 'vm/guest'] },
  'vm/disk': { folders: [...vm, 'vm/host', 'vm/engine', 'vm/layers'] },
  'vm/power': { folders: [...vm, 'vm/host', 'vm/companion', 'vm/running', 'vm/memory'] },
  'vm/snapshot': {
    folders: [...vm, 'vm/host', 'vm/layers', 'vm/running', 'vm/memory', 'vm/power'],
  },
  'vm/library': {
    folders: [...vm, 'vm/host', 'vm/companion', 'vm/engine', 'vm/bundle', 'vm/layers', 'vm/running'],
  },
  'vm/import': { folders: [...vm, 'vm/host', 'vm/bundle', 'vm/library', 'vm/running', 'vm/engine'] },
  'vm/export': { folders: [...vm, 'vm/host', 'vm/layers', 'vm/snapshot'] },
  'vm/clone': {
    folders: [
      ...vm,
      'vm/host',
      'vm/bundle',
      'vm/layers',
      'vm/running',
      'vm/guest',
      'vm/memory',
      'vm/power',
      'vm/snapshot',
    ],
  },
  'vm/nic': { folders: [...vm, 'vm/host', 'vm/engine', 'vm/running'] },
  'vm/recovery': {
    folders: [
      ...vm,
      'vm/host',
      'vm/companion',
      'vm/engine',
      'vm/network',
      'vm/layers',
      'vm/running',
      'vm/power',
      'vm/snapshot',
      'vm/disk',
      'vm/clone',
      'vm/nic',
      'vm/copy',
    ],
  },
  'daemon/access': { folders: ['core', 'sys', 'api'], packages: ['zod'] },
  'daemon/web': {
    folders: ['core', 'sys', 'api', 'daemon/access'],
    packages: ['@peculiar/x509', 'reflect-metadata', 'zod'],
  },
  'daemon/handlers': { folders: [...host, 'api', 'store', 'vm', 'daemon/access'] },
  daemon: {
    folders: [...host, 'api', 'store', 'vm', 'daemon/access', 'daemon/handlers', 'daemon/web'],
    packages: ['fastify', 'pino', 'ws', 'zod'],
  },
  'client/core': { folders: ['core', 'api'], node: false },
  'client/node': { folders: [...host, 'api', 'archive', 'client/core'] },
  cli: { folders: [...host, 'api', 'client/core', 'client/node'], packages: commandLine },
  'cli/kame': { folders: [...host, 'api', 'client/core', 'client/node', 'cli'], packages: commandLine },
  'cli/vdiskmanager': { folders: [...host, 'api', 'client/core', 'client/node', 'cli'] },
  'cli/vmrest': {
    folders: [...host, 'api', 'client/core', 'client/node', 'cli'],
    packages: ['bcryptjs', 'zod'],
  },
  'cli/vmrun': { folders: [...host, 'api', 'client/core', 'client/node', 'cli'] },
  bin: {
    folders: [...host, 'api', 'daemon', 'client/core', 'client/node', 'cli', 'image', 'network'],
    packages: ['pino'],
  },
};
const printers = ['cli', 'cli/kame', 'cli/vdiskmanager', 'cli/vmrest', 'cli/vmrun', 'bin'];
const testPackages = ['fast-check', 'vitest'];
const maxLines = 500;

/** Functions that only one file may import: the one place where what they do is done. */
const reserved: readonly (readonly [module: string, name: RegExp, only: string])[] = [
  ['src/store/bundle-directory.ts', /\bcreateBundle\b/, 'src/vm/bundle/build.ts'],
];

function mayImport(rule: Rule, target: string): boolean {
  return rule.folders.some((folder) => target === folder || target.startsWith(`${folder}/`));
}

function importProblem(folder: string, path: string, name: string, isTest: boolean): string | undefined {
  const rule = table[folder] ?? { folders: [], node: false };
  if (name.startsWith('.')) {
    const module = join(path, '..', name);
    const target = folderOf(module);
    const inside = module.startsWith('src/') && (target === folder || mayImport(rule, target));
    return inside || isTest ? undefined : `imports ${module.startsWith('src/') ? `src/${target}` : module}`;
  }
  if (name.startsWith('node:')) {
    if (isTest) return undefined;
    if (name === 'node:child_process' && folder !== 'sys') return `imports ${name}, which only sys may`;
    return rule.node === false ? `imports ${name}, and is pure` : undefined;
  }
  const scoped = name.split('/').slice(0, name.startsWith('@') ? 2 : 1);
  const packages = [...(rule.packages ?? []), ...(isTest ? testPackages : [])];
  return packages.includes(scoped.join('/')) ? undefined : `imports the package ${scoped.join('/')}`;
}

/** What is wrong with one file of src/, as sentences. */
function problemsOf(path: string, text: string, imports = importsOf(path, text)): string[] {
  const folder = folderOf(path);
  const isTest = path.endsWith('.test.ts') || path.includes('/fixtures/');
  const problems = table[folder] ? [] : ['is in a folder that the table does not know'];
  for (const name of imports) {
    const problem = importProblem(folder, path, name, isTest);
    if (problem !== undefined) problems.push(problem);
  }
  if (!isTest && !printers.includes(folder)) {
    problems.push(
      ...printsOf(path, text).map((use) => `uses ${use}; only ${printers.join(', ')} print or exit`),
    );
  }
  for (const [module, name, only] of reserved) {
    const uses = imports.some((each) => join(path, '..', each) === module);
    if (!isTest && path !== only && uses && name.test(text))
      problems.push(`uses ${name.source}, which only ${only} may`);
  }
  return problems.map((problem) => `${path} ${problem}`);
}

const files = sources('src').map((path) => {
  const text = readFileSync(path, 'utf8');
  return { path, text, imports: importsOf(path, text) };
});

const widgets = ['@mantine/core', '@mantine/hooks'];

/** The folders of web/src and what each may import: of the page, of src/, and of packages. The page runs in a browser. */
const pageFolders: Readonly<
  Record<string, { readonly own: readonly string[]; readonly packages: readonly string[] }>
> = {
  'text/en': { own: [], packages: [] },
  'text/ja': { own: ['text/en'], packages: [] },
  text: { own: ['text/en', 'text/ja'], packages: ['i18next', 'react', 'react-i18next'] },
  design: { own: ['text'], packages: ['@mantine/core', 'react', 'wouter'] },
  data: { own: [], packages: ['@tanstack/react-query', 'react'] },
  machine: { own: ['text', 'design', 'data'], packages: [...widgets, 'react', 'wouter'] },
  library: { own: ['text', 'design', 'data', 'machine'], packages: [...widgets, 'react', 'wouter'] },
  console: {
    own: ['text', 'design', 'data', 'machine'],
    packages: [...widgets, 'react', '@novnc/novnc', '@xterm/addon-fit', '@xterm/xterm'],
  },
  snapshots: { own: ['text', 'design', 'data', 'machine'], packages: [...widgets, 'react', 'wouter'] },
  settings: { own: ['text/en', 'text', 'design', 'data', 'machine'], packages: [...widgets, 'react'] },
  new: { own: ['text', 'design', 'data', 'machine'], packages: [...widgets, 'react', 'wouter'] },
  activity: { own: ['text', 'design', 'data'], packages: [...widgets, 'react', 'uplot'] },
  host: { own: ['text', 'design', 'data', 'machine', 'activity'], packages: [...widgets, 'react'] },
  page: {
    own: ['text', 'design', 'data', 'machine', 'console', 'snapshots', 'settings', 'activity'],
    packages: [...widgets, 'react', 'wouter'],
  },
  story: { own: ['text', 'design'], packages: ['@mantine/core', 'react'] },
  palette: { own: ['text', 'data', 'machine'], packages: [...widgets, 'react', 'wouter'] },
  app: {
    own: ['text', 'design', 'data', 'machine', 'palette', 'library', 'new', 'host', 'page', 'story'],
    packages: [...widgets, 'react', 'wouter'],
  },
  '.': {
    own: ['text', 'design', 'data', 'app'],
    packages: ['@mantine/core', '@tanstack/react-query', 'react-dom'],
  },
};
const pageMayUse = new Set([...pure, 'api', 'api/generated', 'archive/tar', 'client/core']);

/** The folder of web/src that a file belongs to. Each part of the design system has a folder within that of all of them. */
function roomOf(path: string): string {
  return dirname(relative('web/src', path)).replace(/^design\/.*/, 'design');
}

/** What is wrong with the imports of one file of web/src. */
function pageProblemsOf(path: string, text: string): string[] {
  const folder = roomOf(path);
  const rule = pageFolders[folder] ?? { own: [], packages: [] };
  const isAllowed = (name: string): boolean => {
    const module = join(path, '..', name);
    if (!name.startsWith('.')) {
      const scoped = name.split('/').slice(0, name.startsWith('@') ? 2 : 1);
      return rule.packages.includes(scoped.join('/'));
    }
    if (module.startsWith('src/')) return pageMayUse.has(folderOf(module));
    const target = roomOf(module);
    return target === folder || rule.own.includes(target);
  };
  return importsOf(path, text)
    .filter((name) => !isAllowed(name))
    .map((name) => `${path} imports ${name}`);
}

describe('the web desktop', () => {
  const page = readdirSync('web/src', { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.test.ts'))
    .map((name) => join('web/src', name));

  it('imports only what runs in a browser, and has no circle of folders', () => {
    expect(page.length).toBeGreaterThan(0);
    expect(page.flatMap((path) => pageProblemsOf(path, readFileSync(path, 'utf8')))).toEqual([]);
    const names = Object.keys(pageFolders);
    for (const name of names)
      for (const own of pageFolders[name]?.own ?? [])
        expect(names.indexOf(own)).toBeLessThan(names.indexOf(name));
  });

  it.each([
    ['web/src/data/x.ts', "import { y } from '../../../src/vm/host/y.ts';"],
    ['web/src/data/x.ts', "import { y } from '../../../src/client/node/y.ts';"],
    ['web/src/text/x.ts', "import { y } from '../app/y.ts';"],
    ['web/src/app/x.tsx', "import { readFile } from 'node:fs';"],
    ['web/src/app/x.tsx', "import axios from 'axios';"],
  ])('finds what is wrong with %s: %s', (path, text) => {
    expect(pageProblemsOf(path, text)).toHaveLength(1);
  });
});

describe('the architecture', () => {
  it('is kept by every file of src', () => {
    const problems = files.flatMap(({ path, text, imports }) => problemsOf(path, text, imports));
    expect(problems, 'The table is in test/architecture.test.ts').toEqual([]);
  });

  it('has no circle of folders, neither in the sources nor in the table', () => {
    const code = files.filter(({ path }) => !path.endsWith('.test.ts'));
    const graph = folderGraph(code.map(({ path, imports }) => [path, imports] as const));
    expect(findCircle(graph)).toBeUndefined();
    const names = Object.keys(table);
    for (const name of names) {
      for (const folder of table[name]?.folders ?? [])
        expect(
          names.slice(0, names.indexOf(name)).some((one) => one === folder || one.startsWith(`${folder}/`)),
          `${name}: ${folder}`,
        ).toBe(true);
    }
  });

  it('has a row for every folder, and none for a folder that is gone', () => {
    expect([...new Set(files.map(({ path }) => folderOf(path)))].sort()).toEqual(Object.keys(table).sort());
    for (const [module, , only] of reserved)
      expect([existsSync(module), existsSync(only)]).toEqual([true, true]);
  });

  it('keeps every file within its budget of lines', () => {
    const long = ['src', 'scripts', 'test']
      .flatMap(sources)
      .filter((path) => readFileSync(path, 'utf8').split('\n').length > maxLines + 1);
    expect(long, `A file has at most ${maxLines} lines; split it by concern`).toEqual([]);
  });

  it.each([
    ['src/core/x.ts', "import { y } from '../vmx/y.ts';", 'imports src/vmx'],
    ['src/model/x.ts', "import { join } from 'node:path';", 'imports node:path, and is pure'],
    [
      'src/vm/host/x.ts',
      "const c = await import('node:child_process');",
      'imports node:child_process, which only sys may',
    ],
    ['src/disk/x.ts', "export type { Y } from '../qemu/y.ts';", 'imports src/qemu'],
    ['src/vm/layers/x.ts', "import { y } from '../snapshot/y.ts';", 'imports src/vm/snapshot'],
    ['src/vm/host/x.ts', "import { y } from '../../../test/support/y.ts';", 'imports test/support/y.ts'],
    ['src/cli/x.ts', "import * as z from 'zod';", 'imports the package zod'],
    ['src/store/x.ts', "let y: import('@scope/name/sub').Z;", 'imports the package @scope/name'],
    [
      'src/qemu/x.ts',
      'process.exit(1);',
      'uses process.exit; only cli, cli/kame, cli/vdiskmanager, cli/vmrest, cli/vmrun, bin print or exit',
    ],
    ['src/utils/x.ts', '', 'is in a folder that the table does not know'],
    [
      'src/vm/library/x.ts',
      "import { createBundle } from '../../store/bundle-directory.ts';",
      'uses \\bcreateBundle\\b, which only src/vm/bundle/build.ts may',
    ],
  ])('finds what is wrong with %s: %s', (path, text, problem) => {
    expect(problemsOf(path, text)).toEqual([`${path} ${problem}`]);
  });

  it('finds a circle of folders', () => {
    const graph = folderGraph([
      ['src/vm/a/x.ts', ['../b/y.ts', './z.ts']],
      ['src/vm/b/y.ts', ['../../store/s.ts', '../c/w.ts']],
      ['src/vm/c/w.ts', ['../a/x.ts']],
    ]);
    expect(findCircle(graph)).toEqual(['vm/a', 'vm/b', 'vm/c', 'vm/a']);
  });
});
