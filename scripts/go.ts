/** The Go compiler, which only builds and checks guest/tools: users do not need it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Where the Go programs for guests are. */
export const goSources = fileURLToPath(new URL('../guest/tools', import.meta.url));

export const goMissing =
  'Go is not installed. Install it on Debian and Ubuntu with `apt-get install golang-go`, on macOS with `brew install go`.';

/** What must not depend on whoever builds: the result is the same everywhere. */
const fixed = {
  CGO_ENABLED: '0',
  GOOS: 'linux',
  GOFLAGS: '',
  GO111MODULE: '',
  GOWORK: 'off',
  GOAMD64: 'v1',
  GOTOOLCHAIN: 'local',
};

export interface GoResult {
  readonly code: number;
  readonly output: string;
}

/** Runs the go command in the directory of the sources; undefined if Go is not installed. */
export function runGo(
  args: readonly string[],
  options: { readonly directory?: string; readonly env?: Readonly<Record<string, string>> } = {},
): GoResult | undefined {
  return run('go', args, options);
}

/** The Go files that are not formatted; undefined if Go is not installed. */
export function unformatted(): GoResult | undefined {
  return run('gofmt', ['-l', '.'], {});
}

function run(
  program: string,
  args: readonly string[],
  { directory = goSources, env = {} }: NonNullable<Parameters<typeof runGo>[1]>,
): GoResult | undefined {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    cwd: directory,
    env: { ...process.env, ...fixed, ...env },
    encoding: 'utf8',
  });
  if (error) return undefined;
  return { code: status ?? 1, output: `${stdout}${stderr}`.trim() };
}
