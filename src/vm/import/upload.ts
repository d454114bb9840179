import type { StoredUploadInfo } from '../../api/upload.ts';
import type { Host } from '../host/host.ts';

/** The path by which machines.import finds what was uploaded. */
function uploadPath(id: string, main: string): string {
  return `upload:${id}/${main}`;
}

/** The id of the upload that a path names; undefined for another path. */
export function uploadIdOf(path: string): string | undefined {
  return /^upload:([0-9a-f]{32})\//u.exec(path)?.[1];
}

/**
 * Receives the files of a machine, an appliance or a disk.
 * @returns the path by which they can be imported
 * @throws KameError as Uploads.receive
 */
export async function receiveMachine(
  { uploads }: Host,
  ...given: Parameters<Host['uploads']['receive']>
): Promise<string> {
  const { id, main } = await uploads.receive(...given);
  return uploadPath(id, main);
}

/** All uploads, the latest first. @throws KameError FILE_ACCESS */
export async function listUploads({ uploads }: Host): Promise<StoredUploadInfo[]> {
  return (await uploads.list()).map(({ id, main, bytes, sizeBytes, changedAt }) => ({
    ...{ id, main, bytes, sizeBytes, changedAt: changedAt.toISOString() },
    path: bytes === sizeBytes ? uploadPath(id, main) : null,
  }));
}

/** Removes what came of an upload. @throws KameError FILE_ACCESS if there is none, BUSY while it is used */
export async function discardUpload({ uploads }: Host, id: string): Promise<void> {
  await uploads.exclusive(id, async () => await uploads.remove(id));
}
