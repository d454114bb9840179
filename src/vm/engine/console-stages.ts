import { watch } from 'node:fs';
import { openOwn } from '../../sys/own-file.ts';

export type ConsoleStage = 'boot' | 'firmware' | 'kernel' | 'login';

const chunkBytes = 64 * 1024;
/** A guest that prints more has been up for long, or prints without end. */
const maxBytes = 8 * 1024 * 1024;
/** So much of what was read before is looked at again, for words that come in two parts. */
const overlap = 200;

/**
 * What stands for a stage: the banner of EDK II on ARM, and its boot manager; the EFI stub of Linux, and its first message;
 * the prompt of agetty and busybox.
 */
const signs: readonly (readonly [ConsoleStage, RegExp])[] = [
  ['boot', /\n/],
  ['firmware', /UEFI firmware \(|BdsDxe: /],
  ['kernel', /EFI stub: |Linux version \d/],
  ['login', /[\r\n](?!Last )[\w.-]{1,64} login: /],
];

/** What stands before the first line: a line begins after it, and not where a text was cut. */
const beginning = '\r';

/** The stages that a text from a console shows, which begins with what stands before its first line. */
export function stagesIn(text: string): ConsoleStage[] {
  return signs.flatMap(([stage, sign]) => (sign.test(text) ? [stage] : []));
}

export interface ConsoleWatch {
  readonly signal: AbortSignal;
  /** Called once for each stage. */
  readonly onStage: (stage: ConsoleStage) => void;
}

interface Piece {
  readonly text: string;
  readonly bytes: number;
  /** The log is emptied when it gets too large. */
  readonly isShorter: boolean;
}

async function readPiece(path: string, offset: number, buffer: Buffer): Promise<Piece> {
  const file = await openOwn(path);
  try {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    const isShorter = bytesRead === 0 && (await file.stat()).size < offset;
    return { text: buffer.toString('latin1', 0, bytesRead), bytes: bytesRead, isShorter };
  } finally {
    await file.close();
  }
}

/**
 * Reads a console log as it grows, and tells the stages that show in it. Ends after the last one, after 8 MiB, or when
 * the signal fires.
 * @throws KameError FILE_ACCESS
 */
export async function watchConsoleStages(path: string, { signal, onStage }: ConsoleWatch): Promise<void> {
  let wake = () => {};
  let changed = false;
  const onChange = () => {
    changed = true;
    wake();
  };
  const watcher = watch(path, { persistent: false }, onChange);
  watcher.on('error', onChange);
  signal.addEventListener('abort', onChange);
  try {
    const seen = new Set<ConsoleStage>();
    let [offset, total, before] = [0, 0, beginning];
    const buffer = Buffer.alloc(chunkBytes);
    while (!signal.aborted && seen.size < signs.length && total < maxBytes) {
      changed = false;
      const piece = await readPiece(path, offset, buffer);
      offset = piece.isShorter ? 0 : offset + piece.bytes;
      total += piece.bytes;
      const text = before + piece.text;
      before = piece.isShorter ? beginning : text.slice(-overlap);
      for (const stage of stagesIn(text)) {
        if (!seen.has(stage)) onStage(stage);
        seen.add(stage);
      }
      if (piece.bytes > 0 || piece.isShorter || changed || signal.aborted) continue;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', onChange);
    watcher.close();
  }
}
