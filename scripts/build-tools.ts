/** Builds kame-tools, the program for guests in guest/tools: one static file for each architecture. */
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runGo } from './go.ts';

/** The names of architectures, and what Go calls them. */
const architectures = { aarch64: 'arm64', x86_64: 'amd64' } as const;

/**
 * Builds kame-tools into a directory. The same sources and compiler make the same bytes, wherever and whenever.
 * @param sources the directory of guest/tools, or a copy of it
 * @returns the paths of the programs; undefined if Go is not installed
 * @throws Error with the output of the compiler
 */
export function buildTools(out: string, sources?: string): string[] | undefined {
  const manifest = fileURLToPath(new URL('../package.json', import.meta.url));
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  mkdirSync(out, { recursive: true });
  const built: string[] = [];
  for (const [arch, name] of Object.entries(architectures)) {
    const program = resolve(out, `kame-tools-linux-${arch}`);
    const flags = ['-trimpath', '-buildvcs=false', `-ldflags=-s -w -buildid= -X main.version=${version}`];
    const result = runGo(['build', ...flags, '-o', program, '.'], {
      ...(sources === undefined ? {} : { directory: sources }),
      env: { GOARCH: name },
    });
    if (!result) return undefined;
    if (result.code !== 0) throw new Error(`go build failed:\n${result.output}`);
    built.push(program);
  }
  return built;
}
