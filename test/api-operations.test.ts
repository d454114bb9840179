import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Calls } from '../src/api/generated/routes.ts';
import { routes } from '../src/api/generated/routes.ts';
import type { Operation } from '../src/api/operation.ts';
import {
  operations,
  type BodyInput,
  type OperationName,
  type Params,
  type Query,
  type Result,
} from '../src/api/operations.ts';
import { matchPath, parametersOf, pathOf } from '../src/api/route.ts';
import type { Handlers } from '../src/daemon/handlers/handler.ts';
import { handlers } from '../src/daemon/handlers/table.ts';

const all = Object.entries<Operation>(operations);

describe('the list of operations', () => {
  it.each(all)('%s has a path that its schema of parameters describes', (_name, { path, params }) => {
    expect(Object.keys(params?.shape ?? {})).toEqual(parametersOf(path));
  });

  it('gives each method and path to one operation', () => {
    const requests = all.map(([, { method, path }]) => `${method} ${path}`);
    expect(new Set(requests).size).toBe(requests.length);
  });

  const withBody = all.filter(([, { body }]) => body);
  it.each(withBody)('%s has an example of its body, which is valid', (_name, { body, example }) => {
    expect(body?.safeParse(example?.body)).toMatchObject({ success: true });
  });

  const withQuery = all.filter(([, { query }]) => query);
  it.each(withQuery)('%s has an example of its query, which is valid', (_name, { query, example }) => {
    expect(query?.safeParse(example?.query)).toMatchObject({ success: true });
  });
});

describe('the table of handlers', () => {
  it('has one for each operation, and no others', () => {
    expect(Object.keys(handlers).sort()).toEqual(Object.keys(operations).sort());
  });

  it('does not compile without one, with one of another type, or with one that is not in the list', () => {
    const { 'machines.list': list, ...rest } = handlers;
    // @ts-expect-error -- an operation without a handler
    const missing: Handlers = rest;
    // @ts-expect-error -- a handler whose result is of another type
    const other: Handlers = { ...handlers, 'machines.list': () => Promise.resolve(['demo']) };
    // @ts-expect-error -- a task's handler where plain JSON is answered: it wants a progress
    const task: Handlers = { ...handlers, 'machines.pause': handlers['machines.suspend'] };
    const group: Handlers<'machines.list'> = {
      'machines.list': list,
      // @ts-expect-error -- a handler that is not in the list
      'machines.lst': list,
    };
    expect([missing, other, task, group]).toHaveLength(4);
  });
});

/** True when either type can stand for the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Answer<N extends keyof Calls> =
  Calls[N]['answer'] extends Promise<infer R>
    ? R
    : Calls[N]['answer'] extends AsyncGenerator<infer R, void>
      ? R
      : never;
type Part<N extends keyof Calls, K extends string> = K extends keyof Calls[N]['request']
  ? Exclude<Calls[N]['request'][K], undefined>
  : undefined;
type Given<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };
/** Names of the operations of which the generated types are not those of the schemas. */
type Drift = {
  [N in keyof Calls]: Same<
    [Answer<N>, Part<N, 'params'>, Given<Part<N, 'query'>>, Exclude<Part<N, 'body'>, undefined>],
    [Result<N>, Params<N>, Given<Query<N>>, Exclude<BodyInput<N>, undefined>]
  > extends true
    ? never
    : N;
}[keyof Calls];

describe('what is generated for clients', () => {
  it('has the types of the schemas', () => {
    expectTypeOf<Drift>().toBeNever();
    expectTypeOf<keyof typeof routes>().toEqualTypeOf<OperationName>();
  });

  it.each(Object.entries(routes))('%s: its path is matched after it is filled in', (_name, route) => {
    const params = Object.fromEntries(
      parametersOf(route.path).map((name) => [name, `a/b ${name}%?#é`] as const),
    );
    expect(matchPath(route, pathOf(route, params))).toEqual(params);
  });

  it.each(['/v1/machines/', '/v1/machines/a/b', '/v2/machines/a', '/v1/machines/%zz', 'v1/machines/a', ''])(
    '%j is not the path of one machine',
    (path) => {
      expect(matchPath(routes['machines.show'], path)).toBeUndefined();
    },
  );
});
