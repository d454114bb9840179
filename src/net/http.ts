import { setTimeout as delay } from 'node:timers/promises';
import type * as Undici from 'undici';
import type { Dispatcher } from 'undici';
import { KameError, errnoOf, messageOf } from '../core/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Options of one request. */
export interface HttpOptions {
  readonly signal: AbortSignal;
  /** Whether to accept plain http from other hosts, because a checksum from elsewhere verifies the content. */
  readonly allowHttp: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds without data after which an attempt fails. Default: 30,000. */
  readonly silenceMs?: number;
  /** Has http_proxy, https_proxy and no_proxy. Default: the environment of this process. */
  readonly env?: Environment | undefined;
}

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** Milliseconds before the first retry; the pause doubles with each further one. Default: 500. */
  readonly pauseMs?: number;
}

const maxRedirects = 5;
const attempts = 5;
const defaultSilenceMs = 30_000;

/** A failure that a retry would not change. */
export class Refused extends Error {
  /** What to do instead. */
  readonly next: string;
  /** Of the response, if it is the reason. */
  readonly status: number | undefined;

  constructor(message: string, next = 'Check the URL; trying again will not help.', status?: number) {
    super(message);
    this.next = next;
    this.status = status;
  }
}

/** Dispatchers by their proxies: connections are used again. Commands rarely have different ones. */
const proxied = new Map<string, Dispatcher>();
const maxProxied = 8;
let direct: Dispatcher | undefined;

/** Honours http_proxy, https_proxy and no_proxy, but never uses a proxy for this host itself. */
function dispatcher({ Agent, EnvHttpProxyAgent }: typeof Undici, url: URL, env: Environment): Dispatcher {
  if (isLoopback(url)) return (direct ??= new Agent());
  // An empty text is no proxy; a missing one would be that of this process.
  const proxies = {
    httpProxy: env['http_proxy'] ?? env['HTTP_PROXY'] ?? '',
    httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '',
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  };
  const key = JSON.stringify(proxies);
  const known = proxied.get(key);
  if (known) return known;
  if (proxied.size >= maxProxied) proxied.clear();
  try {
    const made = new EnvHttpProxyAgent(proxies);
    proxied.set(key, made);
    return made;
  } catch {
    throw new Refused(
      'the value of http_proxy or https_proxy is not the URL of a proxy',
      'Set both to a URL such as http://HOST:PORT, or unset them.',
    );
  }
}

export function isLoopback(url: URL): boolean {
  return (
    url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d{1,3}){3}$/u.test(url.hostname)
  );
}

/** A URL for messages, without user name, password, query and fragment. */
export function nameOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** @throws KameError INVALID_VALUE */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) && text.length <= 4096 ? new URL(text) : undefined;
  if (url && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  throw new KameError('INVALID_VALUE', `"${text.slice(0, 300)}" is not a URL that can be downloaded.`, {
    next: 'Give a URL such as https://HOST/PATH.',
  });
}

/**
 * Rejects transport that an attacker could modify: http is only for this host, or for content whose checksum is known
 * from elsewhere; and https may not redirect to http.
 */
function refuseInsecure(url: URL, from: URL | undefined, allowHttp: boolean): void {
  if (url.protocol === 'https:') return;
  if (url.protocol !== 'http:') throw new Refused(`it leads to ${url.protocol}`);
  if (from?.protocol === 'https:') throw new Refused('it redirects from https to http');
  if (!isLoopback(url) && !allowHttp) {
    throw new Refused('plain http is accepted only with a checksum (append #sha256=HEX), or use https');
  }
}

/**
 * Requests a URL and follows redirects. Returns any response with status 200 to 299, or 304 or 416.
 * @throws Refused for a failure that a retry would not change; other errors may be temporary
 */
export async function openUrl(start: URL, options: HttpOptions): Promise<Dispatcher.ResponseData> {
  let url = start;
  let from: URL | undefined;
  // Loaded on first use, which saves memory in a daemon that downloads nothing.
  const undici = await import('undici');
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    refuseInsecure(url, from, options.allowHttp);
    const silence = options.silenceMs ?? defaultSilenceMs;
    const reply = await undici.request(url, {
      dispatcher: dispatcher(undici, url, options.env ?? process.env),
      signal: options.signal,
      headersTimeout: silence,
      bodyTimeout: silence,
      headers: { 'accept-encoding': 'identity', 'user-agent': 'kame', ...options.headers },
    });
    const { statusCode, headers, body } = reply;
    if ((statusCode >= 200 && statusCode < 300) || statusCode === 304 || statusCode === 416) return reply;
    await body.dump({ limit: 64 * 1024 });
    const location = headers['location'];
    if (statusCode < 300 || statusCode >= 400 || typeof location !== 'string') throw statusError(statusCode);
    if (!URL.canParse(location, url.href)) throw new Refused('it redirects to an invalid URL');
    from = url;
    url = new URL(location, url);
  }
  throw new Refused(`it redirects more than ${maxRedirects} times`);
}

function statusError(status: number): Error {
  const text = `the server responded with status ${status}`;
  return status >= 500 || status === 429 || status === 408
    ? new Error(text)
    : new Refused(text, undefined, status);
}

/** A certificate of nobody whom this host trusts. */
const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function nextAfter(error: unknown): string | undefined {
  if (error instanceof Refused) return error.next;
  // Node reads the variable only when it starts.
  return untrusted.has(errnoOf(error) ?? '')
    ? 'If your network has certificates of its own, set NODE_EXTRA_CA_CERTS to a file of them and run `kame daemon stop`: the next daemon trusts them.'
    : undefined;
}

export function downloadFailed(url: URL, error: unknown): KameError {
  const reason = messageOf(error) || 'the connection broke';
  const next = nextAfter(error);
  return new KameError('DOWNLOAD_FAILED', `${nameOf(url)} could not be downloaded: ${reason}.`, {
    cause: error,
    details: {
      url: nameOf(url),
      ...(error instanceof Refused && error.status !== undefined ? { status: error.status } : {}),
    },
    ...(next === undefined ? {} : { next }),
  });
}

/**
 * Retries after temporary failures. If an attempt got further than the one before (`progressed`), the count restarts.
 * @throws KameError DOWNLOAD_FAILED, CANCELLED, or any KameError of the attempt
 */
export async function withRetries<T>(
  url: URL,
  options: RetryOptions,
  attempt: () => Promise<T>,
  progressed: () => boolean = () => false,
): Promise<T> {
  for (let failures = 0; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (options.signal.aborted)
        throw new KameError('CANCELLED', `The download of ${nameOf(url)} was cancelled.`);
      if (error instanceof KameError) throw error;
      failures = progressed() ? 1 : failures + 1;
      if (error instanceof Refused || failures >= attempts) throw downloadFailed(url, error);
      const pause = (options.pauseMs ?? 500) * 2 ** (failures - 1);
      await delay(pause, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
}

/**
 * Downloads a small text, such as a checksum file.
 * @throws KameError DOWNLOAD_FAILED (also when it is larger than `maxBytes`), CANCELLED
 */
export async function fetchText(
  url: URL,
  options: HttpOptions & RetryOptions & { maxBytes: number },
): Promise<string> {
  return withRetries(url, options, async () => {
    const { statusCode, body } = await openUrl(url, options);
    if (statusCode !== 200) throw new Refused(`the server responded with status ${statusCode}`);
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > options.maxBytes) throw new Refused(`it is larger than ${options.maxBytes} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  });
}

/**
 * Whether a file has changed since its server gave this strong ETag or date. Asks once.
 * @throws Refused and other errors, as openUrl
 */
export async function hasChanged(url: URL, validator: string, options: HttpOptions): Promise<boolean> {
  const condition = validator.startsWith('"') ? 'if-none-match' : 'if-modified-since';
  const { statusCode, headers, body } = await openUrl(url, {
    ...options,
    headers: { [condition]: validator },
  });
  // The body of an answer that ignores the condition is the whole file.
  body.on('error', () => undefined).destroy();
  if (statusCode === 304) return false;
  return statusCode !== 200 || (headers['etag'] !== validator && headers['last-modified'] !== validator);
}
