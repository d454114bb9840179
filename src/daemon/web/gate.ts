import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** How browsers address a door. */
export interface Gate {
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** The names of this host, in lower case; addresses of IPv6 in brackets. */
  readonly names: readonly string[];
}

/** The names that a browser on this host uses. */
export const localNames = ['127.0.0.1', 'localhost', '[::1]'];

/** An address of a network interface, as it stands in an address of a page. */
export function hostOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return plain.includes(':') ? `[${plain}]` : plain;
}

/** A name of this host with the port of a door, as browsers write it. */
export function authority({ scheme, port }: Pick<Gate, 'scheme' | 'port'>, name: string): string {
  return port === (scheme === 'https' ? 443 : 80) ? name : `${name}:${port}`;
}

/**
 * Whether `Host` is one of the names of a door. Any other was resolved by somebody who wants to reach us (DNS rebinding). An address
 * cannot be resolved to anything else: the one to which the browser has connected is always right.
 */
export function isOwnHost(
  gate: Gate,
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
): boolean {
  const names = [...gate.names, hostOf(socket.localAddress ?? '')];
  const host = headers.host?.toLowerCase();
  return names.some((name) => host === authority(gate, name));
}

/** Methods that change nothing, for which browsers send no `Origin` to the page's own host. */
const harmless = new Set(['GET', 'HEAD']);

/**
 * Whether the page that sent a request is ours. Every change and every WebSocket must name its origin, which no page can forge.
 * A page on another port of this host counts as the same site: the cookie alone does not keep it away.
 */
export function isOwnPage(
  { scheme }: Gate,
  { method = '', headers }: Pick<IncomingMessage, 'method' | 'headers'>,
): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === undefined) return harmless.has(method) && headers.upgrade === undefined;
  return host !== undefined && origin === `${scheme}://${host}`;
}

/**
 * The name of the cookie. Browsers do not tell the ports of a host apart, so it has the port in it. With the prefix, they take it only
 * from this very host and over TLS: no other one of its domain can set it.
 */
function cookieName({ scheme, port }: Gate): string {
  return `${scheme === 'https' ? '__Host-' : ''}kame-${port}`;
}

/** The secret of the session in the cookies of a request; empty if there is none. */
export function secretIn({ cookie = '' }: IncomingHttpHeaders, gate: Gate): string {
  const prefix = `${cookieName(gate)}=`;
  const found = cookie.split(';').find((part) => part.trim().startsWith(prefix));
  return found?.trim().slice(prefix.length) ?? '';
}

/** The cookie for the secret of a session; without one, what removes it. It ends with the browser. */
export function cookieFor(gate: Gate, secret: string | undefined): string {
  const value = secret === undefined ? '; Max-Age=0' : secret;
  const secure = gate.scheme === 'https' ? '; Secure' : '';
  return `${cookieName(gate)}=${value}; Path=/; HttpOnly; SameSite=Strict${secure}`;
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
