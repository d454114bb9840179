import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { run, type RunResult } from '../sys/process.ts';

const quickTimeoutMs = 60_000;
/** Timeout in milliseconds for a command that copies a whole disk. */
export const longTimeoutMs = 6 * 60 * 60_000;
const outputCap = 4 * 1024 * 1024;

/** Options of every call to qemu-img. */
export interface Call {
  /** Path or name of the program. Default: `qemu-img`. */
  qemuImg?: string;
}

function lastWords(result: RunResult): string {
  const lines = result.stderr.trim().split('\n').slice(-3).join(' ').slice(0, 600);
  return lines === '' ? `exit code ${result.exitCode ?? result.signal}` : lines;
}

/** Translates a failure of qemu-img into an error for people. qemu-img reports the reason only in its output. */
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
    return new KameError('BUSY', `${held} is in use by another program, so ${path} cannot be ${verb}.`, {
      next: 'Stop the machine or the program that has the image open.',
      details: { path: held },
    });
  }
  if (/Permission denied|No such file|Read-only file system/i.test(words)) {
    return new KameError('FILE_ACCESS', `${path} cannot be ${verb}: ${words}`, { details: { path } });
  }
  return new KameError('ENGINE_FAILED', `qemu-img: ${path} cannot be ${verb}: ${words}`, {
    details: { path },
  });
}

/** Runs qemu-img. A non-zero exit code is a result. @throws KameError ENGINE_MISSING, CANCELLED, ENGINE_TIMEOUT */
export async function call(options: Call, args: string[], progress?: Progress, timeoutMs = quickTimeoutMs) {
  return run(options.qemuImg ?? 'qemu-img', args, {
    timeoutMs,
    maxBuffer: outputCap,
    env: { LC_ALL: 'C' },
    ...(progress ? { signal: progress.signal } : {}),
  });
}

/** @throws KameError ENGINE_FAILED when the output is not a JSON object */
export function parseJson(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Reported below.
  }
  throw new KameError('ENGINE_FAILED', `The output of qemu-img for ${path} is not a JSON object.`);
}

/** The number in a field of the output; 0 for anything else. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
