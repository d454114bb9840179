import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

interface Rule {
  /** Folders of src/ that it may import, besides itself. */
  readonly folders: readonly string[];
  /** Packages of npm that it may import. */
  readonly packages: readonly string[];
  /** Whether it may import modules of Node. Only sys/ may import node:child_process. */
  readonly node: boolean;
}

const pure = ['core', 'vmx', 'spec'];
const host = [...pure, 'sys'];
const parts = ['disk', 'qemu', 'network', 'guest', 'image'];
const fetching = ['openpgp', 'undici', 'xz-decompress', 'zod'];
const commandLine = ['@commander-js/extra-typings', 'commander'];
const http = [
  '@fastify/swagger',
  'fastify',
  'fastify-type-provider-zod',
  'openapi-types',
  'pino',
  'ws',
  'zod',
];

/** THE TABLE: who may import what. Change it here, with a reason in docs/adr/0011-layout-and-imports.md. */
const table: Readonly<Record<string, Rule>> = {
  core: { folders: [], packages: [], node: false },
  vmx: { folders: ['core'], packages: [], node: false },
  spec: { folders: ['core', 'vmx'], packages: [], node: false },
  api: { folders: pure, packages: ['zod'], node: false },
  sys: { folders: ['core'], packages: ['execa'], node: true },
  disk: { folders: host, packages: [], node: true },
  qemu: { folders: host, packages: ['zod'], node: true },
  network: { folders: host, packages: [], node: true },
  guest: { folders: host, packages: [], node: true },
  image: { folders: [...host, 'disk'], packages: fetching, node: true },
  store: { folders: [...host, 'disk'], packages: [], node: true },
  vm: { folders: [...host, 'api', ...parts, 'store'], packages: [], node: true },
  daemon: { folders: [...host, 'api', 'store', 'vm'], packages: http, node: true },
  client: { folders: [...host, 'api'], packages: ['ws'], node: true },
  cli: { folders: [...host, 'api', 'client'], packages: commandLine, node: true },
  bin: {
    folders: [...host, 'api', 'daemon', 'client', 'cli', 'image', 'vm', 'store'],
    packages: ['pino'],
    node: true,
  },
};
const printers = ['cli', 'bin'];
const testPackages = ['fast-check', 'vitest'];
const maxLines = 500;

/** Every module that a file names in an import, an export, an import() or an import type. */
function importsOf(file: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    let name: ts.Node | undefined;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) name = node.moduleSpecifier;
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      name = node.arguments[0];
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) name = node.argument.literal;
    if (name && ts.isStringLiteralLike(name)) found.push(name.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Uses of what belongs to a command line: `console`, `process.exit`, `process.stdout`, … */
function printsOf(file: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const text = `${node.expression.text}.${node.name.text}`;
      if (/^console\.|^process\.(exit|exitCode|stdin|stdout|stderr)$/.test(text)) found.push(text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function importProblem(folder: string, path: string, name: string, isTest: boolean): string | undefined {
  const rule = table[folder] ?? { folders: [], packages: [], node: false };
  if (name.startsWith('.')) {
    const target = join(path, '..', name).split('/');
    const inside = target[0] === 'src' && (target[1] === folder || rule.folders.includes(target[1] ?? ''));
    return inside || (isTest && target[0] === 'test') ? undefined : `imports ${target.slice(0, 2).join('/')}`;
  }
  if (name.startsWith('node:')) {
    if (isTest) return undefined;
    if (name === 'node:child_process' && folder !== 'sys') return `imports ${name}, which only sys may`;
    return rule.node ? undefined : `imports ${name}, and is pure`;
  }
  const scoped = name.split('/').slice(0, name.startsWith('@') ? 2 : 1);
  const allowed = isTest ? [...rule.packages, ...testPackages] : rule.packages;
  return allowed.includes(scoped.join('/')) ? undefined : `imports the package ${scoped.join('/')}`;
}

/** What is wrong with one file of src/, as sentences. */
function problemsOf(path: string, text: string): string[] {
  const folder = path.split('/')[1] ?? '';
  const isTest = path.endsWith('.test.ts');
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022);
  const problems = table[folder] ? [] : ['lies in a folder that the table does not know'];
  for (const name of importsOf(file)) {
    const problem = importProblem(folder, path, name, isTest);
    if (problem !== undefined) problems.push(problem);
  }
  if (!isTest && !printers.includes(folder)) {
    problems.push(
      ...printsOf(file).map((use) => `uses ${use}; only ${printers.join(' and ')} print or exit`),
    );
  }
  return problems.map((problem) => `${path} ${problem}`);
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('generated/'))
    .map((name) => join(folder, name));
}

describe('the architecture', () => {
  it('is kept by every file of src', () => {
    const problems = sources('src').flatMap((path) => problemsOf(path, readFileSync(path, 'utf8')));
    expect(problems, 'The table is in test/architecture.test.ts').toEqual([]);
  });

  it('keeps every file within its budget of lines', () => {
    const long = ['src', 'scripts', 'test']
      .flatMap(sources)
      .filter((path) => readFileSync(path, 'utf8').split('\n').length > maxLines + 1);
    expect(long, `A file has at most ${maxLines} lines; split it by concern`).toEqual([]);
  });

  it('has no circle among the folders', () => {
    const names = Object.keys(table);
    for (const name of names) {
      for (const folder of table[name]?.folders ?? [])
        expect(names.slice(0, names.indexOf(name))).toContain(folder);
    }
  });

  it.each([
    ['src/core/x.ts', "import { y } from '../vmx/y.ts';", 'imports src/vmx'],
    ['src/spec/x.ts', "import { join } from 'node:path';", 'imports node:path, and is pure'],
    [
      'src/vm/x.ts',
      "const c = await import('node:child_process');",
      'imports node:child_process, which only sys may',
    ],
    ['src/disk/x.ts', "export type { Y } from '../qemu/y.ts';", 'imports src/qemu'],
    ['src/cli/x.ts', "import * as z from 'zod';", 'imports the package zod'],
    ['src/store/x.ts', "let y: import('@scope/name/sub').Z;", 'imports the package @scope/name'],
    ['src/qemu/x.ts', 'process.exit(1);', 'uses process.exit; only cli and bin print or exit'],
    ['src/utils/x.ts', '', 'lies in a folder that the table does not know'],
  ])('finds what is wrong with %s: %s', (path, text, problem) => {
    expect(problemsOf(path, text)).toEqual([`${path} ${problem}`]);
  });
});
