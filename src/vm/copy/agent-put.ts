import { randomBytes } from 'node:crypto';
import type { PutFiles } from '../../api/file-transfer.ts';
import { inBlocks } from '../../archive/tar/entry.ts';
import { endOfArchive, headerOf } from '../../archive/tar-header.ts';
import { readArchive, type ArchiveItem } from '../../archive/tar-read.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { untilAborted } from '../../core/until-aborted.ts';
import { badArchive } from '../../guest/transfer/disk-writer.ts';
import type { Running } from '../host/running.ts';
import {
  announceSlow,
  isFullPath,
  messageMs,
  needsPrograms,
  refuseTooMuch,
  type AgentAbilities,
} from './agent-limits.ts';
import type { PutEnd, PutOptions } from './put.ts';
import { runScript } from './script.ts';

const cleanMs = 30_000;

/** The items of an archive, and what there is of them so far. */
class Items {
  files = 0;
  bytes = 0;
  readonly #items: AsyncGenerator<ArchiveItem, void>;
  readonly #machine: Running;

  constructor(machine: Running, { archive, signal, onRead }: PutOptions) {
    this.#machine = machine;
    this.#items = readArchive(untilAborted(archive, signal), { refuse: badArchive, onRead });
  }

  async *all(): AsyncGenerator<ArchiveItem, void> {
    for await (const item of this.#items) {
      if (item.entry.type !== 'directory') this.files += 1;
      this.bytes += item.entry.size;
      refuseTooMuch(this.bytes, this.#machine);
      yield item;
    }
  }

  /** The archive written anew, with nothing in it that was not looked at. */
  async *archive(): AsyncGenerator<Buffer, void> {
    for await (const { entry, content } of this.all()) {
      const { type } = entry;
      if (entry.path === '' || type === 'other')
        throw badArchive(`${JSON.stringify(entry.path)} is neither a file nor a directory nor a link`);
      yield headerOf({ ...entry, type });
      yield* content;
      yield Buffer.alloc(inBlocks(entry.size) - entry.size);
    }
    yield endOfArchive;
  }
}

/** Makes a directory in the guest that only root can look into. @throws KameError GUEST_FAILED */
async function makePlace(machine: Running, options: PutOptions): Promise<string> {
  let place = '';
  const onLine = (line: string) => void (place ||= line);
  await runScript(machine, 'archive', ['make'], { ...options, onLine });
  if (/^\/[\w./-]{1,200}$/u.test(place)) return place;
  throw new KameError('GUEST_FAILED', `The guest of ${machine.name} told no place for the files.`);
}

/** The archive becomes a file of the guest, from which its tar lays out the files. */
async function putArchive(
  machine: Running,
  { path, directory }: PutFiles,
  options: PutOptions,
): Promise<PutEnd> {
  const { signal, report } = options;
  const token = randomBytes(4).toString('hex');
  const args = [token, path, directory ? 'yes' : 'no'];
  const place = await makePlace(machine, options);
  const items = new Items(machine, options);
  const clean = { ...silentProgress(), timeoutMs: cleanMs };
  try {
    const limits = { deadlineMs: messageMs, signal, report };
    await machine.channels.agent.writeFile(`${place}/archive`, items.archive(), limits);
    await runScript(machine, 'put', ['run', ...args, `${place}/archive`], { signal, report });
    return { files: items.files, bytes: items.bytes };
  } catch (error) {
    await runScript(machine, 'put', ['clean', ...args], clean).catch(() => undefined);
    throw error;
  } finally {
    await runScript(machine, 'archive', ['remove', place], clean).catch(() => undefined);
  }
}

/** Where a file goes: into a directory under its name, or else to the path itself. */
function targetOf({ path, directory }: PutFiles, name: string): string {
  const separator = path.includes('\\') ? '\\' : '/';
  if (!directory && !/[\\/]$/u.test(path)) return path;
  return /[\\/]$/u.test(path) ? path + name : path + separator + name;
}

/** One file, which the agent writes itself. */
async function putFile(machine: Running, request: PutFiles, options: PutOptions): Promise<PutEnd> {
  const { signal, report } = options;
  if (!isFullPath(request.path))
    throw needsPrograms(
      `To ${request.path === '' ? 'the home of root, files' : `${request.path}, files`}`,
      machine,
    );
  const items = new Items(machine, options);
  for await (const { entry, content } of items.all()) {
    if (items.files > 1) throw needsPrograms('More than one file', machine);
    if (entry.type !== 'file' || entry.path.includes('/'))
      throw needsPrograms('What is no single file', machine);
    // A name of this computer must not lead elsewhere in a guest of another system.
    if (/[\\:]/u.test(entry.path) && /[\\:]/u.test(request.path))
      throw badArchive('the guest cannot have that name');
    const path = targetOf(request, entry.path);
    await machine.channels.agent.writeFile(path, content, { deadlineMs: messageMs, signal, report });
  }
  return { files: items.files, bytes: items.bytes };
}

/**
 * Copies an archive into a guest without the controller for disks, or one that runs no programs, through its agent.
 * @throws KameError GUEST_AGENT_MISSING for what it cannot do, INVALID_VALUE for too much, GUEST_FAILED, CANCELLED
 */
export async function putByAgent(
  machine: Running,
  { runsScripts, writesFiles }: AgentAbilities,
  request: PutFiles,
  options: PutOptions,
): Promise<PutEnd> {
  if (!writesFiles)
    throw new KameError('GUEST_AGENT_MISSING', `The guest agent of ${machine.name} writes no files.`, {
      next: 'Allow guest-file-write and guest-file-flush in its configuration.',
      details: { machine: machine.name },
    });
  announceSlow(options);
  try {
    return await (runsScripts ? putArchive : putFile)(machine, request, options);
  } catch (error) {
    if (options.signal.aborted) throw new KameError('CANCELLED', 'The copy was cancelled.', { cause: error });
    throw error;
  }
}
