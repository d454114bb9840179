import { routes } from '../api/generated/routes.ts';
import { apiVersion } from '../api/protocol.ts';
import { matchPath, parametersOf, type Route } from '../api/route.ts';
import { editDistance } from '../core/suggest.ts';

export interface NamedRoute extends Route {
  readonly name: keyof typeof routes;
}

export interface RouteMatch {
  readonly route: NamedRoute;
  /** The parameters of its path, decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** All routes, in the order of the operation list. */
export const namedRoutes: readonly NamedRoute[] = Object.entries<Route>(routes).map(([name, route]) => ({
  ...route,
  name: name as keyof typeof routes,
}));

/** The distance of a different method, in letters: less than any misspelt word of a path. */
const otherMethod = 0.5;
/** Letters of a word that are compared. A longer word is not a typing error and would only cost time. */
const longestPart = 100;

/** A path without its optional version. */
function belowVersion(path: string): string {
  const root = `/${apiVersion}/`;
  return path.startsWith(root) ? path.slice(root.length - 1) : path;
}

/** The route of a request, with or without the version in its path; undefined if there is none. */
export function findRoute(method: string, path: string): RouteMatch | undefined {
  const whole = `/${apiVersion}${belowVersion(path)}`;
  for (const route of namedRoutes) {
    const params = route.method === method ? matchPath(route, whole) : undefined;
    if (params) return { route, params };
  }
  return undefined;
}

/** How many letters of a path differ from those of a route. A parameter matches any word. */
function distanceOf(route: Route, method: string, path: string): number {
  const template = route.path.split('/');
  const parts = belowVersion(path).split('/');
  let distance = route.method === method ? 0 : otherMethod;
  for (let index = 0; index < Math.max(template.length, parts.length); index += 1) {
    const [expected = '', part = ''] = [template[index], parts[index]];
    const isParameter = parametersOf(expected).length > 0 && part !== '';
    if (!isParameter) distance += editDistance(part.slice(0, longestPart), expected);
  }
  return distance;
}

/** The route that a request without a route probably meant. */
export function nearestRoute(method: string, path: string): NamedRoute | undefined {
  const distances = namedRoutes.map((route) => ({ route, distance: distanceOf(route, method, path) }));
  return distances.sort((a, b) => a.distance - b.distance)[0]?.route;
}
