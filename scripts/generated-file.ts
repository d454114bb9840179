/** Writes or compares the output of generators. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

function presentText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Writes a generated file, formatted like all others. With --check, only compares it, and sets the exit code to 1 if it
 * is stale.
 * @param name relative to the package
 */
export async function writeGenerated(name: string, text: string): Promise<void> {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const formatted = await format(text, { ...(await resolveConfig(path)), filepath: path });
  if (!process.argv.includes('--check')) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, formatted);
  } else if (presentText(path) !== formatted) {
    console.error(`${name} is stale: run \`npm run generate\``);
    process.exitCode = 1;
  }
}
