import { pause } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { spawnStdio } from '../../sys/stdio-process.ts';
import { QmpClient } from '../qmp/client.ts';
import type { Schema } from '../qmp/schema.ts';
import { atLeast, type Capabilities } from './capabilities.ts';
import { askAll, capabilitiesFrom, type ProbeReplies } from './replies.ts';

/** A machine-less QEMU: no guest, no accelerator, no files. */
const probeArguments = [
  '-M',
  'none',
  '-nodefaults',
  '-no-user-config',
  '-display',
  'none',
  '-S',
  '-qmp',
  'stdio',
];

/** The oldest QEMU that is supported. */
const oldest = { major: 7, minor: 2 };

/** The connection to a program that ends breaks a moment before all it said has come. */
const endsWithinMs = 500;

/**
 * Starts a QEMU without a machine and asks it what it is. Takes about 0.2 s.
 * @throws KameError ENGINE_MISSING, ENGINE_TOO_OLD (before 7.2), ENGINE_FAILED with its last words, ENGINE_TIMEOUT, CANCELLED
 */
export async function probeReplies(
  binary: string,
  options: { signal?: AbortSignal } = {},
): Promise<{ replies: ProbeReplies; schema: Schema }> {
  await using engine = await spawnStdio(binary, probeArguments);
  const lastWords = (): string => engine.lastWords();
  try {
    const signal = options.signal ? { signal: options.signal } : {};
    await using qmp = await QmpClient.open(engine.stream, { lastWords, ...signal });
    if (!atLeast(qmp.version, oldest.major, oldest.minor)) {
      const { major, minor, micro } = qmp.version;
      throw new KameError(
        'ENGINE_TOO_OLD',
        `${binary} is QEMU ${major}.${minor}.${micro}; 7.2 is the oldest that serves.`,
      );
    }
    return await askAll(qmp);
  } catch (error) {
    if (error instanceof KameError && error.code !== 'ENGINE_FAILED') throw error;
    await Promise.race([engine.exited, pause(endsWithinMs)]);
    const words = lastWords();
    const unsaid = words === '' || messageOf(error).includes(words) ? '' : ` Its last words: ${words}`;
    throw new KameError('ENGINE_FAILED', `${binary} could not be probed: ${messageOf(error)}${unsaid}`, {
      cause: error,
    });
  }
}

/** What a QEMU binary can do. @throws as probeReplies */
export async function probe(binary: string, options: { signal?: AbortSignal } = {}): Promise<Capabilities> {
  const { replies, schema } = await probeReplies(binary, options);
  return capabilitiesFrom(binary, replies, schema);
}
