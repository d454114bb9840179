import { isUtf8 } from 'node:buffer';
import type { ClipboardStatus, GetClipboard, SetClipboard } from '../../api/clipboard.ts';
import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import { maxContentBytes } from '../../guest/vdagent/clipboard-reads.ts';
import type { ClipboardContent } from '../../guest/vdagent/clipboard.ts';
import { textType } from '../../guest/vdagent/content.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { machineFor, peerOf, requirePeer } from './peer.ts';

/** Milliseconds for the whole content. An emulated guest sends the largest within some 10 s. */
const readMs = 60_000;
/** Milliseconds until the agent has been told of content, or the session of the guest has taken it. */
const offerMs = 60_000;

/** What is on the clipboard of a machine, as it is known without asking the guest. */
export function statusOf(machine: Running): ClipboardStatus {
  const { present, state } = peerOf(machine);
  return { agent: present, owner: state.owner, types: [...state.types] };
}

/** Shows what is on the clipboard. @throws KameError NO_SUCH_MACHINE, WRONG_STATE, GUEST_AGENT_MISSING, CANCELLED */
export async function showClipboard(
  host: Host,
  reference: string,
  signal: AbortSignal,
): Promise<ClipboardStatus> {
  const machine = await machineFor(host, reference, 'copy');
  await requirePeer(machine, signal);
  return statusOf(machine);
}

/**
 * The content of the clipboard: as text if it can be, unless the type is given.
 * @throws KameError CLIPBOARD_EMPTY, WRONG_STATE, GUEST_*, CANCELLED
 */
export async function readClipboard(
  host: Host,
  reference: string,
  { type }: GetClipboard,
  signal: AbortSignal,
): Promise<ClipboardContent> {
  const machine = await machineFor(host, reference, 'copy');
  const peer = await requirePeer(machine, signal);
  const { types } = peer.state;
  const [first] = types;
  if (first === undefined) {
    throw new KameError('CLIPBOARD_EMPTY', `The clipboard of ${machine.name} is empty.`, {
      next: 'Copy something in the guest.',
    });
  }
  const wanted = type ?? (types.includes(textType) ? textType : first);
  if (!types.includes(wanted)) {
    throw new KameError('CLIPBOARD_EMPTY', `The clipboard of ${machine.name} has no ${wanted}.`, {
      next: `It has ${types.join(', ')}.`,
    });
  }
  return { type: wanted, data: await peer.read(wanted, { deadlineMs: readMs, signal }) };
}

function refuseTooLarge(bytes: number): void {
  if (bytes <= maxContentBytes) return;
  throw new KameError('INVALID_VALUE', `The content is larger than ${formatSize(maxContentBytes)}.`, {
    next: 'Copy it into the guest as a file.',
  });
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const collected: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    refuseTooLarge(bytes);
    collected.push(chunk);
  }
  return Buffer.concat(collected);
}

/**
 * Puts content on the clipboard of the guest, where it stays until the guest copies something, or this daemon ends.
 * @param chunks the content, which is not read when the clipboard cannot take it
 * @returns its size in bytes
 * @throws KameError INVALID_VALUE when it is too large, empty, or no text; WRONG_STATE, GUEST_*, CANCELLED
 */
export async function writeClipboard(
  host: Host,
  reference: string,
  { type, sizeBytes = 0 }: SetClipboard,
  { chunks, signal }: { readonly chunks: AsyncIterable<Buffer>; readonly signal: AbortSignal },
): Promise<number> {
  const machine = await machineFor(host, reference, 'paste');
  const peer = await requirePeer(machine, signal);
  refuseTooLarge(sizeBytes);
  const data = await collect(chunks);
  if (signal.aborted) throw new KameError('CANCELLED', 'Setting the clipboard was cancelled.');
  if (data.length === 0)
    throw new KameError('INVALID_VALUE', 'There is no content to put on the clipboard.', {
      next: 'Pass some on standard input, or name a file.',
    });
  if (type === textType && !isUtf8(data))
    throw new KameError('INVALID_VALUE', 'The content is not text in UTF-8.', {
      next: 'Name its type, such as --type png.',
    });
  await peer.offer({ type, data }, { deadlineMs: offerMs, signal });
  return data.length;
}
