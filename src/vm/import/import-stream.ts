import type { ImportedMachine, ImportReport, ImportStream } from '../../api/import.ts';
import type { Progress } from '../../core/progress.ts';
import type { Host } from '../host/host.ts';
import { applianceSource } from './import-source.ts';
import { importFrom, reportFrom } from './import.ts';
import { openArchive } from './members.ts';

/**
 * Makes a machine of an appliance whose bytes come through a pipe.
 * @returns the report alone for a dry run
 * @throws KameError as importMachine
 */
export async function importStream(
  host: Host,
  { dryRun, ...request }: ImportStream,
  chunks: AsyncGenerator<Buffer>,
  progress: Progress,
): Promise<ImportedMachine | ImportReport> {
  const close = async () => void (await chunks.return(undefined));
  const stream = { label: 'the stream', size: undefined, chunks, [Symbol.asyncDispose]: close };
  await using source = await applianceSource(await openArchive(stream, progress), request, undefined);
  return dryRun === true
    ? await reportFrom(host, source, request, progress)
    : await importFrom(host, source, request, progress);
}
