/**
 * Builds the tiny guest image manually:
 * `node --import tsx scripts/build-tiny.ts [--arch aarch64|x86_64] [--out DIR] [--cache DIR]`
 */
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { KameError } from '../src/core/errors.ts';
import { formatDuration, formatSize } from '../src/core/units.ts';
import { buildTiny } from '../src/image/tiny/build.ts';

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'aarch64' },
    out: { type: 'string' },
    cache: { type: 'string', default: join(tmpdir(), 'kame-tiny-cache') },
  },
});
const { arch } = values;
if (arch !== 'aarch64' && arch !== 'x86_64') {
  console.error(`--arch is "${arch}"; it must be aarch64 or x86_64.`);
  process.exit(2);
}

const cancel = new AbortController();
process.once('SIGINT', () => cancel.abort());
const start = performance.now();
let stage = '';
let stageStart = start;

function report(next: string): void {
  if (next === stage) return;
  const now = performance.now();
  if (stage !== '') console.log(`${stage}: ${formatDuration(now - stageStart)}`);
  stage = next;
  stageStart = now;
}

try {
  const image = await buildTiny({
    arch,
    cacheDir: values.cache,
    outDir: values.out ?? join(tmpdir(), `kame-tiny-${arch}`),
    progress: { signal: cancel.signal, report: (progress) => report(progress.stage) },
  });
  report('');
  console.log(image);
  const memory = formatSize(process.resourceUsage().maxRSS * 1024);
  console.log(`Built in ${formatDuration(performance.now() - start)}, using at most ${memory} of memory.`);
} catch (error) {
  if (!(error instanceof KameError)) throw error;
  console.error(`${error.message}\n${error.next}`);
  process.exitCode = error.kind.exit;
}
