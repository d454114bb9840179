import { readFileSync } from 'node:fs';

declare const __KAME_VERSION__: string | undefined;

/** Kame's version: put in by the bundler, or read from package.json when run from source. */
export function kameVersion(): string {
  if (typeof __KAME_VERSION__ === 'string') return __KAME_VERSION__;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
