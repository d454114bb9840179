import { basename, extname } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { isLoopback, nameOf, type Environment } from '../../net/http.ts';
import { maxXmlBytes } from '../../ovf/xml.ts';
import { counted } from './byte-stream.ts';
import { readMember, type Member, type OpenAppliance } from './members.ts';
import { openUrlStream } from './url-stream.ts';

/** What servers answer for a file that they do not have; stores of objects say 403. */
const absent: ReadonlySet<unknown> = new Set([403, 404, 410]);

/** A hash can be given for the descriptor, but not for its files. @throws KameError DOWNLOAD_FAILED */
function refusePlainHttp(url: URL): void {
  if (url.protocol === 'https:' || isLoopback(url)) return;
  throw new KameError('DOWNLOAD_FAILED', `${nameOf(url)} would come over plain http, and its disks too.`, {
    next: 'Use https, or an .ova with #sha256=HEX.',
    details: { url: nameOf(url) },
  });
}

/** The URL of a file beside the descriptor. Its name is a plain one, so it is on the same server, in the same directory. */
function urlBeside(descriptor: URL, name: string): URL {
  const url = new URL(encodeURIComponent(name), descriptor);
  url.hash = '';
  return url;
}

function fileName(url: URL): string {
  const encoded = basename(url.pathname);
  try {
    return decodeURIComponent(encoded);
  } catch {
    // It is only a name: one that is not UTF-8 stays as it is.
    return encoded;
  }
}

async function* filesBeside(
  descriptor: URL,
  names: readonly string[],
  env: Environment,
  progress: Progress,
): AsyncGenerator<Member> {
  for (const name of names) {
    await using stream = await openUrlStream(urlBeside(descriptor, name), env, progress.signal);
    yield { name, content: counted(stream, progress, `Reading ${name}`) };
  }
}

/** As filesBeside, without those that the server does not have. */
async function* filesIfThere(...args: Parameters<typeof filesBeside>): AsyncGenerator<Member> {
  const [descriptor, names, ...rest] = args;
  for (const name of names) {
    try {
      yield* filesBeside(descriptor, [name], ...rest);
    } catch (error) {
      if (!(error instanceof KameError) || !absent.has(error.details['status'])) throw error;
    }
  }
}

/**
 * Opens a descriptor that a server has, with its files beside it. Each is read once, and none is stored.
 * @throws KameError DOWNLOAD_FAILED, INVALID_VALUE, BAD_IMAGE, CANCELLED
 */
export async function openRemote(url: URL, env: Environment, signal: AbortSignal): Promise<OpenAppliance> {
  refusePlainHttp(url);
  const name = fileName(url);
  await using stream = await openUrlStream(url, env, signal);
  const { label } = stream;
  const descriptor = await readMember(label, { name, content: stream.chunks }, maxXmlBytes);
  const stem = basename(name, extname(name));
  return {
    label,
    name,
    descriptor,
    async *members(wanted, progress) {
      yield* filesIfThere(url, [`${stem}.mf`, `${stem}.cert`], env, progress);
      yield* filesBeside(url, wanted, env, progress);
    },
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}
