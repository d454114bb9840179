import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { routeRegistrations } from './support/route-registrations.ts';

function registrations(): Record<string, string[]> {
  const files = readdirSync('src/daemon', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src/daemon', name));
  return Object.fromEntries(
    files
      .map((path) => [path, routeRegistrations(path, readFileSync(path, 'utf8'))] as const)
      .filter(([, calls]) => calls.length > 0),
  );
}

describe('routes', () => {
  it('come from the list of operations, in one place, and nowhere else', () => {
    expect(registrations()).toEqual({ 'src/daemon/routes.ts': ['app.http.route'] });
  });

  it.each([
    ["http.get('/machines', () => [])", ['http.get']],
    ['app.http.delete(`/machines/${name}`, remove)', ['app.http.delete']],
    ["server.route({ method: 'GET', url, handler })", ['server.route']],
    ["this.#server.register((http) => http.post('/x', work))", ['http.post']],
    ["map.get('key'); set.delete(value); tasks.get(id)", []],
  ])('are found in %s', (text, calls) => {
    expect(routeRegistrations('x.ts', text)).toEqual(calls);
  });
});
