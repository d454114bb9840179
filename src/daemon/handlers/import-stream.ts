import type { ImportStreamMessage } from '../../api/import.ts';
import { importStream as importBytes } from '../../vm/import/import-stream.ts';
import type { Handler } from './handler.ts';
import { untilEmpty } from './until-empty.ts';

/** Bytes between two notices. */
const noticeBytes = 4 * 1024 * 1024;

export const importStream: Handler<'machines.importStream'> = async ({ host }, { body, signal }, channel) => {
  const tell = (message: ImportStreamMessage) => channel.send(JSON.stringify(message));
  let last = { stage: '', bytes: 0 };
  const report = ({ stage, done }: { readonly stage: string; readonly done?: number }) => {
    const bytes = done ?? 0;
    if (stage === last.stage && bytes - last.bytes < noticeBytes) return;
    last = { stage, bytes };
    void tell({ type: 'progress', stage, ...(done === undefined ? {} : { bytes: done }) });
  };
  const result = await importBytes(host, body, untilEmpty(channel), { signal, report });
  await tell('machine' in result ? { type: 'end', imported: result } : { type: 'report', report: result });
  channel.close();
};
