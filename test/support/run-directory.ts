import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findEngine } from '../../src/qemu/capabilities/find-engine.ts';

/** What the tests with real guests of one run share: engines that leave a trail, and machines to copy. */
export interface RunDirectory {
  readonly path: string;
  readonly engines: Readonly<Record<string, string>>;
}

/** Where engines write down what is said over QMP, a file for each, named by its pid. In the environment of a home. */
export const trailVariable = 'KAME_TEST_TRAIL';

/**
 * The engine, told to trace its monitors. It traces to a file of its own, so that the machine's log, and with it QEMU's
 * last words, are what they are without. A question for capabilities (`-M none`) leaves no trail.
 */
function tracing(engine: string): string {
  return `#!/bin/sh
case " $* " in
*" -M none "*) exec '${engine}' "$@" ;;
*) exec '${engine}' -D "$${trailVariable}/%d" -trace handle_qmp_command -trace monitor_qmp_respond "$@" ;;
esac
`;
}

/** Makes the directory of a run. Its path is short, because it is in the paths of sockets. */
export async function makeRunDirectory(): Promise<RunDirectory> {
  const path = await mkdtemp('/tmp/kame-run-');
  await mkdir(join(path, 'engines'));
  const engines: Record<string, string> = {};
  const os = process.platform === 'darwin' ? 'darwin' : 'linux';
  for (const arch of ['aarch64', 'x86_64'] as const) {
    const wrapper = join(path, 'engines', `qemu-system-${arch}`);
    await writeFile(wrapper, tracing(await findEngine(arch, { env: process.env, os })));
    await chmod(wrapper, 0o755);
    engines[`KAME_QEMU_${arch.toUpperCase()}`] = wrapper;
  }
  return { path, engines };
}
