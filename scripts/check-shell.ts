/**
 * Runs ShellCheck on every shell program in the repository, including those that run in guests. If ShellCheck is not
 * installed, this prints how to install it and exits with 77, the code for a skipped test; with --required it fails.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { shellFiles, type ShellFile } from './shell-files.ts';

const skipped = 77;
const root = fileURLToPath(new URL('..', import.meta.url));

/** The exit code of ShellCheck for files in one dialect; undefined if it could not be started. */
function check(dialect: ShellFile['dialect'], files: readonly ShellFile[]): number | undefined {
  const paths = files.filter((file) => file.dialect === dialect).map(({ path }) => path);
  const options = ['--color=never', ...(dialect === undefined ? [] : [`--shell=${dialect}`])];
  const { error, status } = spawnSync('shellcheck', [...options, '--', ...paths], {
    cwd: root,
    stdio: 'inherit',
  });
  return error ? undefined : (status ?? 1);
}

const files = shellFiles(root);
const results = ([undefined, 'dash'] as const).map((dialect) => check(dialect, files));
if (results.includes(undefined)) {
  console.log(
    'ShellCheck is not installed, so the shell programs were not checked. ' +
      'Install it on Debian and Ubuntu with `apt-get install shellcheck`, on macOS with `brew install shellcheck`.',
  );
  process.exitCode = process.argv.includes('--required') ? 1 : skipped;
} else {
  process.exitCode = Math.max(...results.map(Number));
}
