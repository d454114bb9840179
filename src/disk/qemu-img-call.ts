import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { run, type RunResult } from '../sys/process.ts';

const quickTimeoutMs = 60_000;
/** Milliseconds for what copies a whole disk. */
export const longTimeoutMs = 6 * 60 * 60_000;
const outputCap = 4 * 1024 * 1024;

/** What every call of qemu-img takes. */
export interface Call {
  /** Path or name of the program. Default `qemu-img`. */
  qemuImg?: string;
}

function lastWords(result: RunResult): string {
  const lines = result.stderr.trim().split('\n').slice(-3).join(' ').slice(0, 600);
  return lines === '' ? `exit code ${result.exitCode ?? result.signal}` : lines;
}

/** What a failed qemu-img means for a person. Its texts are the only place where these reasons are told. */
export function failure(verb: string, path: string, result: RunResult, bytesNeeded?: number): KameError {
  const words = lastWords(result);
  if (/No space left on device|Disk quota exceeded/i.test(words)) {
    const needed = bytesNeeded === undefined ? '' : ` About ${bytesNeeded} bytes are needed.`;
    return new KameError('DISK_FULL', `The disk is full: ${path} could not be written.${needed}`, {
      details: { path, ...(bytesNeeded === undefined ? {} : { bytesNeeded }) },
    });
  }
  if (/Failed to get .*lock|Is another process using the image/i.test(words)) {
    const held = /using the image \[(.+)\]\?/i.exec(words)?.[1] ?? path;
    return new KameError('BUSY', `${held} is in use by another program, so ${path} can't be ${verb}.`, {
      next: 'Stop the machine or the program that has the image open.',
      details: { path: held },
    });
  }
  if (/Permission denied|No such file|Read-only file system/i.test(words)) {
    return new KameError('FILE_ACCESS', `${path} can't be ${verb}: ${words}`, { details: { path } });
  }
  return new KameError('ENGINE_FAILED', `qemu-img: ${path} can't be ${verb}: ${words}`, {
    details: { path },
  });
}

/** Runs qemu-img; a failure is a result. @throws KameError ENGINE_MISSING, CANCELLED, ENGINE_TIMEOUT */
export async function call(options: Call, args: string[], progress?: Progress, timeoutMs = quickTimeoutMs) {
  return run(options.qemuImg ?? 'qemu-img', args, {
    timeoutMs,
    maxBuffer: outputCap,
    env: { LC_ALL: 'C' },
    ...(progress ? { signal: progress.signal } : {}),
  });
}

/** @throws KameError ENGINE_FAILED when the answer is no JSON object */
export function parseJson(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Told below.
  }
  throw new KameError(
    'ENGINE_FAILED',
    `qemu-img answered for ${path} with something that is not a JSON object.`,
  );
}

/** The number that a field of an answer has; 0 for anything else. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
