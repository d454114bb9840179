import { KameError } from '../../../src/core/errors.ts';
import { headBytes, signatureOf, tailBytes } from '../../../src/model/disk-signature.ts';
import { mainFileOf } from '../../../src/model/uploaded-files.ts';
import type { LocalFile } from './local-files.ts';

/** Its content is no disk: it is looked at in other ways. */
const noDisk = /\.(?:ova|ovf|vmx)$/iu;

async function bytesOf(file: File, from: number, to?: number): Promise<Uint8Array> {
  return new Uint8Array(await file.slice(from, to).arrayBuffer());
}

/** The file that decides what all of them are. A single one of an unknown name may still tell by its content why it is none. */
function mainOf(files: readonly LocalFile[]): LocalFile | undefined {
  const [only, other] = files;
  if (other === undefined) return only;
  const main = mainFileOf(files);
  return files.find(({ path }) => path === main);
}

/**
 * Refuses a disk that the daemon would refuse by its ends, before any of it is sent.
 * @throws KameError BAD_IMAGE, USAGE if none of the files is a machine or a disk
 */
export async function checkFiles(files: readonly LocalFile[]): Promise<void> {
  const main = mainOf(files);
  if (!main || noDisk.test(main.path)) return;
  const { path, file } = main;
  const found = signatureOf({
    head: await bytesOf(file, 0, headBytes),
    tail: await bytesOf(file, Math.max(0, file.size - tailBytes)),
    sizeBytes: file.size,
  });
  const isKnown = found.format === 'refused' && found.kind !== 'broken';
  if (!isKnown && !/\.iso$/iu.test(path)) mainFileOf(files);
  if (found.format !== 'refused' && found.format !== 'unknown') return;
  const { reason, next } = found;
  throw new KameError('BAD_IMAGE', `${path} ${reason}.`, next === undefined ? {} : { next });
}
