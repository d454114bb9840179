import { pause } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { spawnStdio } from '../../sys/stdio-process.ts';
import { QmpClient } from '../qmp/client.ts';
import type { Schema } from '../qmp/schema.ts';
import { atLeast, type Capabilities } from './capabilities.ts';
import { askAll, capabilitiesFrom, type ProbeReplies } from './replies.ts';

/** Starts QEMU without a machine: no guest, no accelerator, no files. */
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

/** The oldest supported QEMU. */
const oldest = { major: 7, minor: 2 };

/** When a program ends, its connection may break shortly before all its output has arrived. */
const endsWithinMs = 500;

/**
 * Starts a QEMU without a machine and queries its capabilities. Takes about 0.2 s.
 * @throws KameError ENGINE_MISSING, ENGINE_TOO_OLD (before 7.2), ENGINE_FAILED with its last output, ENGINE_TIMEOUT,
 * CANCELLED
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
        `${binary} is QEMU ${major}.${minor}.${micro}; Kame requires 7.2 or newer.`,
      );
    }
    return await askAll(qmp);
  } catch (error) {
    if (error instanceof KameError && error.code !== 'ENGINE_FAILED') throw error;
    await Promise.race([engine.exited, pause(endsWithinMs)]);
    const words = lastWords();
    const unsaid = words === '' || messageOf(error).includes(words) ? '' : ` Its last output: ${words}`;
    throw new KameError('ENGINE_FAILED', `${binary} could not be probed: ${messageOf(error)}${unsaid}`, {
      cause: error,
    });
  }
}

/** Probes the capabilities of a QEMU binary. @throws KameError as probeReplies */
export async function probe(binary: string, options: { signal?: AbortSignal } = {}): Promise<Capabilities> {
  const { replies, schema } = await probeReplies(binary, options);
  return capabilitiesFrom(binary, replies, schema);
}
