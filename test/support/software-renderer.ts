import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Arch } from '../../src/model/machine.ts';
import { findEngine } from '../../src/qemu/capabilities/find-engine.ts';
import { probe } from '../../src/qemu/capabilities/probe.ts';
import { objectionTo3d } from '../../src/qemu/graphics/offer.ts';

const source = fileURLToPath(new URL('../vm/programs/surfaceless-egl.c', import.meta.url));

/** Makes an engine in a directory that renders in 3D by software, without a GPU; undefined where the means for that are missing. */
export async function softwareRenderer(
  directory: string,
  arch: Arch = 'aarch64',
): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const engine = await findEngine(arch, { env: process.env, os: 'linux' });
  if (objectionTo3d({ os: 'linux', capabilities: await probe(engine) }) !== undefined) return undefined;
  mkdirSync(directory, { recursive: true });
  const library = join(directory, 'surfaceless-egl.so');
  const options = ['-shared', '-fPIC', '-O1', '-o', library, source, '-l:libepoxy.so.0', '-ldl'];
  const built = await execa('cc', options, { reject: false });
  if (built.exitCode !== 0) return undefined;
  const wrapper = join(directory, `qemu-system-${arch}`);
  writeFileSync(wrapper, `#!/bin/sh\nLD_PRELOAD='${library}' exec '${engine}' "$@"\n`);
  chmodSync(wrapper, 0o755);
  return wrapper;
}
