import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { IncomingHttpHeaders } from 'node:http';

/** Keeps web pages away. They can send requests to this computer, and after DNS rebinding also read the answers. */

/** `Host` without its port, and without the brackets of IPv6. */
function nameIn(host: string): string {
  return (
    /^\[(?<address>[\da-f:.]+)\](?::\d+)?$/iu.exec(host)?.groups?.['address'] ?? host.replace(/:\d+$/u, '')
  ).toLowerCase();
}

/** Whether `Host` names this computer: no name that somebody else's DNS resolves. Addresses cannot be rebound. */
function isOwnHost(host: string | undefined): boolean {
  const name = nameIn(host ?? '');
  if (name === '') return false;
  return isIP(name) !== 0 || name === 'localhost' || name === hostname().toLowerCase();
}

/** Whether no web page of another origin has sent the request. Programs send none of these headers. */
function isNoForeignPage({ origin, host, ...headers }: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

/** Why a request must not even be looked at; undefined if it may. */
export function refusalOf(headers: IncomingHttpHeaders): string | undefined {
  if (!isOwnHost(headers.host))
    return `The request is for the host "${headers.host ?? ''}", which is not this one.`;
  return isNoForeignPage(headers) ? undefined : 'A web page of another site sent the request.';
}
