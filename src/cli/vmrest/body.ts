import type { IncomingMessage } from 'node:http';
import type * as z from 'zod';
import { parseJson } from '../../core/json.ts';
import { invalid, invalidBody, VmrestError } from './failure.ts';
import { mediaType, type Operation } from './operation.ts';

/** Bodies of requests. */

const limits = { bytes: 64 * 1024, json: { maxDepth: 16, maxValues: 1000 } } as const;

/** @throws VmrestError 406 */
function requireMediaType({ headers }: IncomingMessage): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() === mediaType) return;
  throw new VmrestError(406, 'unsupported', `Content type was not supported: it must be ${mediaType}.`);
}

/** @throws VmrestError 400 when it is too large; the rest of it is not read */
async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  return await new Promise<string>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limits.bytes) return;
      request.pause();
      request.removeAllListeners('data');
      reject(new VmrestError(400, 'tooBig', `The body is larger than ${limits.bytes} bytes.`));
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}

/** Bare text, as VMware wants it, or in quotes, as programs send it that are generated from the document. @throws VmrestError */
function valueOf(text: string, operation: Operation): unknown {
  if (operation.text) return text.trim().replace(/^"(.*)"$/u, '$1');
  try {
    return parseJson(text, limits.json);
  } catch {
    throw invalid('parameters', 'The body is not JSON.');
  }
}

/**
 * The checked body of a request.
 * @returns undefined for an operation without one
 * @throws VmrestError 406 for another media type, 400 for what the schema of the operation does not permit
 */
export async function bodyOf(request: IncomingMessage, operation: Operation): Promise<unknown> {
  const schema: z.ZodType | undefined = operation.body;
  if (!schema) return undefined;
  requireMediaType(request);
  const value = valueOf(await textOf(request), operation);
  const checked = schema.safeParse(value);
  if (!checked.success) throw invalidBody(checked.error, operation.text ? 'operation' : 'parameters');
  return checked.data;
}
