import type { DroppedPlace } from '../../api/file-transfer.ts';
import { readArchive, type ArchiveItem } from '../../archive/tar-read.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { untilAborted } from '../../core/until-aborted.ts';
import { badArchive } from '../../guest/transfer/disk-writer.ts';
import type { DroppedFile } from '../../guest/vdagent/file-transfer.ts';
import { contentOf } from '../../store/bundle.ts';
import { getBoolean } from '../../vmx/values.ts';
import { requirePeer } from '../clipboard/peer.ts';
import type { Host } from '../host/host.ts';
import { runningMachine } from '../host/state.ts';
import type { Running } from '../host/running.ts';

export interface DropOptions extends Progress {
  /** A tar archive of files. */
  readonly archive: AsyncIterable<Uint8Array>;
  /** Told how many bytes of the archive were read. */
  readonly onRead: (bytes: number) => void;
}

/** VMware's key that forbids drag and drop. */
const forbidding = 'isolation.tools.dnd.disable';
const maxFiles = 1000;
const maxNameBytes = 200;
/** Milliseconds for each answer of the agent, and each part that it takes. */
const answerMs = 60_000;
/** Milliseconds for a file that kame-tools take: of any size, but not for ever. */
const fileMs = 30 * 60_000;

/** Puts a file into the session. @returns its path, if the guest tells */
type Drop = (file: DroppedFile) => Promise<string | null>;

/** @throws KameError WRONG_STATE */
async function refuseForbidden(host: Host, machine: Running): Promise<void> {
  const { document } = contentOf(await host.bundles.read(machine.names.vmx));
  if (!getBoolean(document, forbidding, false)) return;
  throw new KameError(
    'WRONG_STATE',
    `${forbidding} is TRUE, so that no files are dropped into ${machine.name}.`,
    {
      next: `kame set ${machine.name} ${forbidding}=FALSE permits it.`,
      details: { machine: machine.name, key: forbidding },
    },
  );
}

/** Who takes the files: kame-tools in the session where they can, else the agent. @throws KameError GUEST_AGENT_MISSING */
function dropInto({ channels, name }: Running, signal: AbortSignal): Drop {
  const { sessionHelper, desktopAgent } = channels;
  if (sessionHelper.takesFiles)
    return async (file) => await sessionHelper.drop(file, { deadlineMs: fileMs, signal });
  if (desktopAgent.takesFiles)
    return async (file) => {
      await desktopAgent.files.drop(file, { deadlineMs: answerMs, signal });
      return null;
    };
  throw new KameError('GUEST_AGENT_MISSING', `Nothing in the session of ${name} takes files.`, {
    next: `kame tools install ${name} updates kame-tools, which do; spice-vdagent does if xdg-user-dirs is installed too. kame copy needs neither.`,
    details: { machine: name },
  });
}

/** @throws KameError INVALID_VALUE */
function fileOf({ entry, content }: ArchiveItem): DroppedFile {
  const { path: name, size } = entry;
  const isPlain = name !== '' && !/^\.|[/\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(name);
  if (entry.type !== 'file' || !isPlain || Buffer.byteLength(name) > maxNameBytes)
    throw badArchive(
      `${JSON.stringify(name)} is no file that can be dropped: directories, hidden files and names of more than ${maxNameBytes} bytes cannot`,
    );
  return { name, size, content };
}

/**
 * Puts files into the session of the desktop of a running guest, as its user, into the directory for downloads or on the desktop. No file of
 * the guest is replaced.
 * @returns where they are, as far as the guest tells
 * @throws KameError WRONG_STATE, GUEST_AGENT_MISSING, GUEST_FAILED, GUEST_TIMEOUT, INVALID_VALUE, CANCELLED; the files before it are there
 */
export async function dropFiles(
  host: Host,
  reference: string,
  { archive, signal, onRead }: DropOptions,
): Promise<DroppedPlace[]> {
  const machine = await runningMachine(host, reference);
  await refuseForbidden(host, machine);
  await requirePeer(machine, signal);
  const drop = dropInto(machine, signal);
  const limits = { maxEntries: maxFiles };
  const dropped: DroppedPlace[] = [];
  try {
    for await (const item of readArchive(untilAborted(archive, signal), {
      refuse: badArchive,
      onRead,
      limits,
    })) {
      const file = fileOf(item);
      dropped.push({ name: file.name, path: await drop(file) });
    }
  } catch (error) {
    if (signal.aborted) throw new KameError('CANCELLED', 'The drop was cancelled.', { cause: error });
    throw error;
  }
  return dropped;
}
