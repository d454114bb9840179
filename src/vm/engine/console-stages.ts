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
  ['login', /(?:^|[\r\n])(?!Last )[\w.-]{1,64} login: /],
];

/** The stages that a text from a console shows. */
export function stagesIn(text: string): ConsoleStage[] {
  return signs.flatMap(([stage, sign]) => (sign.test(text) ? [stage] : []));
}

export interface ConsoleWatch {
  readonly signal: AbortSignal;
  /** Called once for each stage. */
  readonly onStage: (stage: ConsoleStage) => void;
}

/**
 * Reads a console log as it grows, and tells the stages that show in it. Ends after the last one, after 8 MiB, or when
 * the signal fires.
 * @throws KameError FILE_ACCESS
 */
export async function watchConsoleStages(path: string, { signal, onStage }: ConsoleWatch): Promise<void> {
  const file = await openOwn(path);
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
    let [offset, total, before] = [0, 0, ''];
    while (!signal.aborted && seen.size < signs.length && total < maxBytes) {
      changed = false;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, offset);
      offset += bytesRead;
      total += bytesRead;
      const text = before + buffer.toString('latin1', 0, bytesRead);
      before = text.slice(-overlap);
      for (const stage of stagesIn(text)) {
        if (!seen.has(stage)) onStage(stage);
        seen.add(stage);
      }
      if (bytesRead > 0) continue;
      // The log is emptied when it gets too large.
      if ((await file.stat()).size < offset) offset = 0;
      else if (!changed && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', onChange);
    watcher.close();
    await file.close();
  }
}
