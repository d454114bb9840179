import { createHash } from 'node:crypto';
import { mkdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { KameError } from '../../core/errors.ts';
import { fileError, readFileCapped, writeFileAtomic } from '../../sys/files.ts';
import type { Capabilities } from './capabilities.ts';
import { questions, type FlagName } from './flags.ts';
import { probe } from './probe.ts';

/** Increase this when the cached data changes, so that older caches are not used. */
const formatVersion = 2;
const largestCache = 4 * 1024 * 1024;

const whole = z.number().int().nonnegative();
const names = z.array(z.string().max(256)).max(10_000);

const cacheSchema = z.object({
  format: z.literal(formatVersion),
  key: z.string(),
  capabilities: z.object({
    binary: z.string(),
    version: z.object({ major: whole, minor: whole, micro: whole }),
    package: z.string(),
    arch: z.enum(['aarch64', 'x86_64']),
    accelerators: z.array(z.enum(['kvm', 'hvf', 'tcg'])),
    machines: z
      .array(
        z.object({
          name: z.string(),
          alias: z.string().exactOptional(),
          maxCpus: whole,
          deprecated: z.boolean(),
        }),
      )
      .max(10_000),
    cpuModels: names,
    devices: names,
    memoryBackends: names,
    options: names,
    flags: z.array(z.enum(Object.keys(questions) as [FlagName, ...FlagName[]])),
  }),
});

/**
 * Identifies a build of an engine without starting it: real path, size and modification time. The modules of a package
 * change together with the engine.
 * @throws KameError ENGINE_MISSING when the file does not exist
 */
export async function engineKey(binary: string): Promise<string> {
  try {
    const path = await realpath(binary);
    const { size, mtimeMs } = await stat(path);
    return `${path}|${size}|${mtimeMs}`;
  } catch (error) {
    throw new KameError('ENGINE_MISSING', `${binary} no longer exists.`, { cause: error });
  }
}

async function read(file: string, key: string): Promise<Capabilities | undefined> {
  try {
    const cached = cacheSchema.safeParse(
      JSON.parse((await readFileCapped(file, largestCache)).toString('utf8')),
    );
    return cached.success && cached.data.key === key ? cached.data.capabilities : undefined;
  } catch {
    // The cache is missing or damaged: probe the engine again.
    return undefined;
  }
}

/**
 * The capabilities of an engine, from the cache if the same build was probed before. An unreadable cache is replaced.
 * @throws KameError as `probe`, and DISK_FULL or FILE_ACCESS when the cache cannot be written
 */
export async function probeCached(
  binary: string,
  cacheDirectory: string,
  options: { signal?: AbortSignal; fresh?: boolean } = {},
): Promise<Capabilities> {
  const key = await engineKey(binary);
  const digest = createHash('sha256').update(binary).digest('hex').slice(0, 16);
  const file = join(cacheDirectory, `engine-${digest}.json`);
  const cached = options.fresh ? undefined : await read(file, `${binary}|${key}`);
  if (cached) return cached;
  const capabilities = await probe(binary, options);
  try {
    await mkdir(cacheDirectory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError(error, cacheDirectory);
  }
  await writeFileAtomic(
    file,
    JSON.stringify({ format: formatVersion, key: `${binary}|${key}`, capabilities }),
  );
  return capabilities;
}
