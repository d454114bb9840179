import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022);
}

/** Modules that are named anywhere in a file, in an import(), an import type or a statement. */
function namedAnywhere(path: string, text: string): string[] {
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
  visit(parse(path, text));
  return found;
}

/**
 * Every module that a file names in an import, an export, an import() or an import type. Most files only have statements, for
 * which the scanner is enough; it takes a fifth of the time.
 */
export function importsOf(path: string, text: string): string[] {
  if (/\bimport\s*\(/.test(text)) return namedAnywhere(path, text);
  return ts.preProcessFile(text, true, false).importedFiles.map(({ fileName }) => fileName);
}

/** Uses of what belongs to a command line: `console`, `process.exit`, `process.stdout`, … */
export function printsOf(path: string, text: string): string[] {
  const found: string[] = [];
  if (!/\b(console|process)\b/.test(text)) return found;
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const use = `${node.expression.text}.${node.name.text}`;
      if (/^console\.|^process\.(exit|exitCode|stdin|stdout|stderr)$/.test(use)) found.push(use);
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(path, text));
  return found;
}

/** Paths of all TypeScript files below a folder, without generated ones. */
export function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('generated/'))
    .map((name) => join(folder, name));
}

/** The folder of a file below src/: `vm/host`. Generated files and fixtures belong to the folder they are in. */
export function folderOf(path: string): string {
  return dirname(path)
    .replace(/^src\/?/, '')
    .replace(/\/(generated|fixtures)$/, '');
}

export type FolderGraph = ReadonlyMap<string, ReadonlySet<string>>;

/** Which folder imports which, by the given files and what they import. */
export function folderGraph(
  files: readonly (readonly [path: string, imports: readonly string[]])[],
): FolderGraph {
  const graph = new Map<string, Set<string>>();
  for (const [path, imports] of files) {
    const from = folderOf(path);
    const targets = graph.get(from) ?? new Set();
    graph.set(from, targets);
    for (const name of imports) {
      if (!name.startsWith('.')) continue;
      const to = folderOf(join(dirname(path), name));
      if (to !== from) targets.add(to);
    }
  }
  return graph;
}

/** A circle of folders, as the folders on the way round; undefined when there is none. */
export function findCircle(graph: FolderGraph): string[] | undefined {
  const done = new Set<string>();
  const visit = (folder: string, way: readonly string[]): string[] | undefined => {
    const at = way.indexOf(folder);
    if (at >= 0) return [...way.slice(at), folder];
    if (done.has(folder)) return undefined;
    for (const next of graph.get(folder) ?? []) {
      const circle = visit(next, [...way, folder]);
      if (circle) return circle;
    }
    done.add(folder);
    return undefined;
  };
  for (const folder of graph.keys()) {
    const circle = visit(folder, []);
    if (circle) return circle;
  }
  return undefined;
}
