/**
 * Runs every generator. With --check, each one only compares its file with what it would write. A generator is a script
 * that accepts --check and exits with 1 if its file is stale.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const generators = [
  'errors-doc.ts',
  'client-types.ts',
  'api-doc.ts',
  'openapi.ts',
  'qmp-generate.ts',
  'user-guide.ts',
];

for (const name of generators) {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', script, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
