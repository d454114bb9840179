import type { GetFiles } from '../../api/file-transfer.ts';
import { inBlocks, type ArchiveEntry } from '../../archive/tar/entry.ts';
import { endOfArchive, headerOf } from '../../archive/tar-header.ts';
import { KameError } from '../../core/errors.ts';
import type { Running } from '../host/running.ts';
import { announceSlow, isFullPath, messageMs, needsPrograms, refuseTooMuch } from './agent-limits.ts';
import type { GetOptions } from './get.ts';

/** The entry of a file whose permissions and times are not known. */
function entryOf(path: string, size: number): ArchiveEntry & { type: 'file' } {
  const name = path.split(/[\\/]/u).at(-1) ?? '';
  const mtime = Math.floor(Date.now() / 1000);
  return { path: name, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime, size, linkName: '' };
}

/**
 * Copies one file out of a guest that runs no programs: the agent reads it, and the archive is made here.
 * @returns the bytes of the archive
 * @throws KameError GUEST_AGENT_MISSING for what is no file with a full path, INVALID_VALUE for too much, GUEST_FAILED, CANCELLED
 */
export async function getByAgent(machine: Running, { path }: GetFiles, options: GetOptions): Promise<number> {
  const { signal, report } = options;
  if (!isFullPath(path) || /(?:^|[\\/])\.{0,2}$/u.test(path))
    throw needsPrograms(path || 'The home of root', machine);
  announceSlow(options);
  let [size, sent] = [0, 0];
  const send = async (data: Buffer) => {
    sent += data.length;
    await options.send(data);
  };
  const begin = async (bytes: number) => {
    refuseTooMuch(bytes, machine);
    size = bytes;
    await send(headerOf(entryOf(path, bytes)));
  };
  try {
    await machine.channels.agent.readFile(
      path,
      { begin, take: send },
      { deadlineMs: messageMs, signal, report },
    );
  } catch (error) {
    if (signal.aborted) throw new KameError('CANCELLED', 'The copy was cancelled.', { cause: error });
    throw error;
  }
  await send(Buffer.concat([Buffer.alloc(inBlocks(size) - size), endOfArchive]));
  return sent;
}
