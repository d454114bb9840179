import { apiVersion } from './protocol.ts';
import type { Role } from './role.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type OperationKind = 'json' | 'task' | 'bytes' | 'stream' | 'websocket';

/** The facts about an operation that a client needs to call it. */
export interface Route {
  readonly method: Method;
  /** Below `/v1`. Names in braces are parameters. */
  readonly path: `/${string}`;
  readonly kind: OperationKind;
  /** The least role of a user who may use it. */
  readonly role: Role;
  /**
   * A user of some machines may use it, although its path names none: its handler leaves out the others. Without it, such a user has
   * only the operations of a machine.
   */
  readonly byMachine?: true;
  /** What it takes besides the parameters of its path. */
  readonly takes?: 'query' | 'body';
  /** Of a reply that is not JSON. */
  readonly contentType?: string;
  /** It may take longer than a client waits for an ordinary reply. */
  readonly slow?: true;
  /** Clients of any version may use it. */
  readonly anyVersion?: true;
  /** One line, without a full stop. */
  readonly summary: string;
}

/** The names of the parameters in a path template, in order. */
export function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

/**
 * The path of a route, with its version and its percent-encoded parameters.
 * @throws TypeError if a parameter is missing
 */
export function pathOf(route: Pick<Route, 'path'>, params: Readonly<Record<string, string>> = {}): string {
  const filled = route.path.replaceAll(/\{(\w+)\}/g, (_braces, name: string) => {
    const value = params[name];
    if (value === undefined) throw new TypeError(`${route.path} requires the parameter ${name}.`);
    return encodeURIComponent(value);
  });
  return `/${apiVersion}${filled}`;
}

/**
 * The decoded parameters of a path with a version.
 * @returns undefined if the path does not match this route
 */
export function matchPath(route: Pick<Route, 'path'>, path: string): Record<string, string> | undefined {
  const template = `/${apiVersion}${route.path}`.split('/');
  const parts = path.split('/');
  if (parts.length !== template.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of template.entries()) {
    const part = parts[index] ?? '';
    const [name] = parametersOf(expected);
    if (name === undefined) {
      if (part !== expected) return undefined;
    } else {
      const value = decoded(part);
      if (value === '') return undefined;
      params[name] = value;
    }
  }
  return params;
}

/** A decoded part of a path; empty if its percent-encoding is malformed. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
