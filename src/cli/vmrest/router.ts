import { operations, type OperationId } from './operations.ts';

/** Finds the operation for a method and a path. Pure. */

export const basePath = '/api';

/** What a request is for: an operation, or only the methods that its path has, or nothing. */
export type Destination =
  | { readonly id: OperationId; readonly params: Readonly<Record<string, string>> }
  | { readonly methods: readonly string[] }
  | undefined;

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** The decoded parameters; undefined if the path is another one. */
function match(template: string, parts: readonly string[]): Record<string, string> | undefined {
  const expected = template.split('/');
  if (expected.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, word] of expected.entries()) {
    const part = parts[at] ?? '';
    const name = /^\{(.+)\}$/u.exec(word)?.[1];
    if (name === undefined && part !== word) return undefined;
    if (name === undefined) continue;
    const value = decoded(part);
    if (value === undefined || value === '') return undefined;
    params[name] = value;
  }
  return params;
}

/** @param path without its query */
export function find(method: string, path: string): Destination {
  if (!path.startsWith(`${basePath}/`)) return undefined;
  const parts = path.slice(basePath.length).split('/');
  const methods: string[] = [];
  for (const id of Object.keys(operations) as OperationId[]) {
    const operation = operations[id];
    const params = match(operation.path, parts);
    if (params && operation.method === method) return { id, params };
    if (params) methods.push(operation.method);
  }
  return methods.length > 0 ? { methods } : undefined;
}
