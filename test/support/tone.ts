import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { goMissing, runGo } from '../../scripts/go.ts';

const tone = fileURLToPath(new URL('../vm/programs/tone', import.meta.url));

/** Builds the program that plays a tone of 440 Hz for two seconds on the first sound card of a guest. */
export function buildTone(file: string, arch: string): void {
  const built = runGo(['build', '-o', file, 'main.go'], {
    directory: tone,
    env: { GOARCH: arch === 'aarch64' ? 'arm64' : 'amd64' },
  });
  if (!built) throw new Error(goMissing);
  expect(built).toEqual({ code: 0, output: '' });
}
