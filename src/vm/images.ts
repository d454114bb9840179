import { join } from 'node:path';
import type { Progress } from '../core/progress.ts';
import type { Arch } from '../spec/machine.ts';
import { buildTiny } from '../image/tiny/build.ts';
import type { TinyImage } from '../image/tiny/manifest.ts';
import type { Host } from './host.ts';

/** The embedded image, built from Debian's packages when it is not there yet. */
export async function tinyImage(host: Host, arch: Arch, progress: Progress): Promise<TinyImage> {
  return await buildTiny({
    arch,
    cacheDir: join(host.names.cache, 'debian'),
    outDir: join(host.names.images, `tiny-${arch}`),
    progress,
  });
}
