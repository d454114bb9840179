import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** The names that a browser on this host uses for the port. Any other was resolved by somebody who wants to reach us (DNS rebinding). */
const localNames = ['127.0.0.1', 'localhost', '[::1]'];

/** Whether `Host` is one of the addresses of the web desktop. */
export function isOwnHost(host: string | undefined, port: number): boolean {
  return localNames.some((name) => host === `${name}:${port}`);
}

/** Methods that change nothing, for which browsers send no `Origin` to the page's own host. */
const harmless = new Set(['GET', 'HEAD']);

/**
 * Whether the page that sent a request is ours. Every change and every WebSocket must name its origin, which no page can forge.
 * A page on another port of this host counts as the same site: the cookie alone does not keep it away.
 */
export function isOwnPage({ method = '', headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === undefined) return harmless.has(method) && headers.upgrade === undefined;
  return host !== undefined && origin === `http://${host}`;
}

/** The name of the cookie. Browsers do not tell the ports of a host apart, so it has the port in it. */
function cookieName(port: number): string {
  return `kame-${port}`;
}

/** The secret of the session in the cookies of a request; empty if there is none. */
export function secretIn({ cookie = '' }: IncomingHttpHeaders, port: number): string {
  const prefix = `${cookieName(port)}=`;
  const found = cookie.split(';').find((part) => part.trim().startsWith(prefix));
  return found?.trim().slice(prefix.length) ?? '';
}

/** The cookie for the secret of a session; without one, what removes it. It ends with the browser. */
export function cookieFor(port: number, secret: string | undefined): string {
  const value = secret === undefined ? '; Max-Age=0' : secret;
  return `${cookieName(port)}=${value}; Path=/; HttpOnly; SameSite=Strict`;
}

/** The headers of every reply. */
export const safeHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Replies of the API are not for a cache; files of the page replace this.
  'cache-control': 'no-store',
};
