import { resolve } from 'node:path';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { ImageFile } from './format/image-file.ts';
import { checkQcow2 } from './qcow2-header.ts';
import { call, failure, longTimeoutMs, numberOf, parseJson, type Call } from './qemu-img-call.ts';
import { alone } from './stand-in.ts';

type Options = Call & { path: string; progress?: Progress };

interface Findings {
  readonly leaks: number;
  readonly repaired: number;
}

/** Runs qemu-img check. @throws KameError BAD_IMAGE for damage other than leaks */
async function look(options: Options, repair: readonly string[]): Promise<Findings> {
  const { path, progress } = options;
  const args = ['check', ...repair, '--output=json', alone(path)];
  const result = await call(options, args, progress, longTimeoutMs);
  // 0 clean, 2 corrupted, 3 only leaks; with any other code the check itself failed (qemu-img(1)).
  if (result.exitCode !== 0 && result.exitCode !== 2 && result.exitCode !== 3)
    throw failure('repaired', path, result);
  const json = parseJson(result.stdout, path);
  const corruptions = numberOf(json['corruptions']);
  const checkErrors = numberOf(json['check-errors']);
  if (result.exitCode !== 2 && corruptions === 0 && checkErrors === 0)
    return { leaks: numberOf(json['leaks']), repaired: numberOf(json['leaks-fixed']) };
  const words = result.stderr.trim().split('\n').slice(0, 3).join('; ').slice(0, 400);
  const reason = words === '' ? '' : `: ${words}`;
  throw new KameError('BAD_IMAGE', `${path} is damaged in ${corruptions + checkErrors} places${reason}.`, {
    next: 'Revert to a snapshot, restore a backup, or try to repair a copy with `qemu-img check -r all COPY`.',
    details: { path, corruptions, checkErrors },
  });
}

/**
 * Frees leaked clusters, which a killed program leaves behind, and updates refcounts that were deferred (lazy
 * refcounts). A file with any other damage is not touched.
 * @returns how many leaks were repaired
 * @throws KameError BAD_IMAGE with the findings when the tables are damaged, BUSY, CANCELLED, ENGINE_MISSING,
 * ENGINE_FAILED
 */
export async function repairLeaks(options: Options): Promise<number> {
  const path = resolve(options.path);
  await using file = await ImageFile.open(path);
  const { dirty } = await checkQcow2(file, { backing: 'tell', tables: false });
  // With the dirty bit, stale refcounts are expected; QEMU itself repairs them all when it next opens the file.
  if (dirty) return (await look({ ...options, path }, ['-r', 'all'])).repaired;
  // Check first: a repair that finds damage may write, and then QEMU marks the image as corrupt.
  const { leaks } = await look({ ...options, path }, []);
  return leaks === 0 ? 0 : (await look({ ...options, path }, ['-r', 'leaks'])).repaired;
}
