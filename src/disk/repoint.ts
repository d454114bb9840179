import { resolve } from 'node:path';
import { writableBackingName } from './backing-name.ts';
import { call, failure, type Call } from './qemu-img-call.ts';

/**
 * Replaces the backing file in the header of an overlay, and changes nothing else: only for one with the same content.
 * The header is in a single cluster, so at any instant it has either the old or the new name.
 * @throws KameError INVALID_VALUE, BUSY, FILE_ACCESS, ENGINE_MISSING, ENGINE_FAILED
 */
export async function repoint(
  options: Call & { overlay: string; backing: { readonly path: string; readonly format: 'qcow2' | 'raw' } },
): Promise<void> {
  const overlay = resolve(options.overlay);
  const { path, format } = options.backing;
  const args = ['rebase', '-u', '-q', '-f', 'qcow2', '-b', writableBackingName(path), '-F', format, overlay];
  const result = await call(options, args);
  if (result.exitCode !== 0) throw failure('given another backing file', overlay, result);
}
