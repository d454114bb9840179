import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findEngine, findQemuImg } from '../../src/qemu/capabilities/find-engine.ts';

/** What the tests with real guests of one run share: engines that leave a trail, and machines to copy. */
export interface RunDirectory {
  readonly path: string;
  /** The environment that has Kame find the engines. */
  readonly engines: Readonly<Record<string, string>>;
  /** The directory of the engines and of a `qemu-img` that can fail too: KAME_QEMU_DIR has Kame find it. */
  readonly programs: string;
}

/** Where engines write down what is said over QMP, a file for each, named by its pid. In the environment of a home. */
export const trailVariable = 'KAME_TEST_TRAIL';

/** What an engine, or `qemu-img`, does in place of its work, as long as the home has that mode. */
export type EngineMode =
  /** Prints that as its last words, and ends. */
  | `say:${string}`
  /** Is killed. */
  | 'die'
  /** Stands still before its first word, until it gets SIGCONT. */
  | 'hang'
  /** The same for `qemu-img`. */
  | 'hang-image';

const modeFile = 'engine-mode';

/** Sets what the engines that a home starts from now on do; `real` is their work. */
export async function setEngineMode(home: { path: string }, mode: EngineMode | 'real'): Promise<void> {
  await writeFile(join(home.path, modeFile), mode);
}

/**
 * The engine, which traces its monitors and can be made to fail. It traces to a file of its own, so that the machine's log, and
 * with it QEMU's last words, are what they are without. A question for capabilities (`-M none`) is only passed on.
 */
function tracing(engine: string): string {
  return `#!/bin/sh
case " $* " in *" -M none "*) exec '${engine}' "$@" ;; esac
mode=$(cat "$KAME_HOME/${modeFile}" 2>/dev/null)
case $mode in
say:*)
  echo "qemu-system: \${mode#say:}" >&2
  exit 1
  ;;
die) kill -KILL $$ ;;
hang) kill -STOP $$ ;;
esac
exec '${engine}' -D "$${trailVariable}/%d" -trace handle_qmp_command -trace monitor_qmp_respond "$@"
`;
}

function imageProgram(qemuImg: string): string {
  return `#!/bin/sh
[ "$(cat "$KAME_HOME/${modeFile}" 2>/dev/null)" != hang-image ] || kill -STOP $$
exec '${qemuImg}' "$@"
`;
}

async function writeProgram(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

/** Makes the directory of a run. Its path is short, because it is in the paths of sockets. */
export async function makeRunDirectory(): Promise<RunDirectory> {
  const path = await mkdtemp('/tmp/kame-run-');
  await mkdir(join(path, 'engines'));
  const engines: Record<string, string> = {};
  const os = process.platform === 'darwin' ? 'darwin' : 'linux';
  const search = { env: process.env, os } as const;
  for (const arch of ['aarch64', 'x86_64'] as const) {
    const wrapper = join(path, 'engines', `qemu-system-${arch}`);
    await writeProgram(wrapper, tracing(await findEngine(arch, search)));
    engines[`KAME_QEMU_${arch.toUpperCase()}`] = wrapper;
  }
  await writeProgram(join(path, 'engines', 'qemu-img'), imageProgram(await findQemuImg(search)));
  return { path, engines, programs: join(path, 'engines') };
}
