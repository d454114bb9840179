import { useEffect } from 'react';
import type { ImportMachine, ImportReport } from '../../../src/api/generated/shapes.ts';
import { mainFileOf } from '../../../src/model/uploaded-files.ts';
import type { TaskOptions } from '../../../src/client/core/options.ts';
import { client } from '../data/client.ts';
import { Store, useStore } from '../data/store.ts';
import { refreshUploads } from '../data/uploads.ts';
import { newPage } from '../machine/addresses.ts';
import { useKeptTask } from '../machine/kept-task.ts';
import type { TaskRunner } from '../machine/task.ts';
import { useText } from '../text/text.ts';
import type { LocalFile } from './local-files.ts';
import { freeName } from '../machine/free-name.ts';
import { sendFiles } from './send-files.ts';
import { useArrive } from './use-arrive.ts';

/** What a person decides about an import. */
export type Choices = Omit<ImportMachine, 'path' | 'guestOS'> & { readonly name: string };

export type ImportStep = 'looking' | 'importing';

export interface Import extends TaskRunner<ImportStep> {
  /** The name of what is imported; undefined if nothing is. */
  readonly name: string | undefined;
  /** What the import would do, as soon as that is known. */
  readonly report: ImportReport | undefined;
  /** Looks at files that were dropped or picked. */
  readonly begin: (files: Promise<LocalFile[]>) => void;
  readonly again: () => void;
  readonly make: (choices: Choices, isStarted: boolean) => void;
  readonly close: () => void;
}

const partBytes = 512 * 1024;

async function* partsOf(file: File): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += partBytes)
    yield new Uint8Array(await file.slice(at, at + partBytes).arrayBuffer());
}

/** The main file, without its folders and its ending. */
function nameOf(files: readonly LocalFile[]): string {
  const name = mainFileOf(files).split('/').at(-1) ?? '';
  return name.replace(/\.[^.]+$/u, '');
}

interface Begun {
  readonly name: string;
  readonly files: readonly LocalFile[];
  readonly report?: ImportReport;
  /** Where the daemon has them. */
  readonly path?: string;
}

/** What is imported, also while its page is left. */
const incoming = new Store<Begun | undefined>(undefined);

/**
 * Makes a machine of files of this browser's computer. Of an appliance in one file, its beginning is enough for the report, so a
 * person decides before it is sent; other files are sent first.
 */
export function useImport(taken: readonly string[]): Import {
  const { say } = useText();
  const arrive = useArrive();
  const begun = useStore(incoming);
  const task = useKeptTask<ImportStep>('import', {
    title: begun ? say('import.title', { name: begun.name }) : say('new.title'),
    page: newPage,
    what: () => say('import.import'),
  });
  const stages = { sending: say('import.sending'), waiting: say('import.waiting') };
  const send = async (files: readonly LocalFile[], options: TaskOptions) => {
    const path = await sendFiles(files, stages, options);
    await refreshUploads();
    return path;
  };
  const look = async ({ files, ...known }: Begun, options: TaskOptions) => {
    const name = freeName(known.name, taken);
    const [only, other] = files;
    if (only && !other && /\.ova$/iu.test(only.path)) {
      const archive = partsOf(only.file);
      const request = { name, dryRun: true };
      const report = await client.machines.importStream(request, { archive, ...options });
      if ('notes' in report) incoming.set({ ...known, files, report });
    } else {
      const path = await send(files, options);
      const report = await client.machines.reportImport({ path, name }, options);
      incoming.set({ ...known, files, path, report });
    }
  };
  const lookAt = (files: Promise<readonly LocalFile[]>) =>
    task.run('looking', async (options) => {
      const found = await files;
      const next = { files: found, name: nameOf(found) };
      incoming.set(next);
      await look(next, options);
      return task.isInSight() ? undefined : { said: say('import.ready', { name: next.name }), page: newPage };
    });
  const { done, dismiss } = task;
  useEffect(() => {
    // Who is here sees that it is ready.
    if (done?.page === newPage) dismiss();
  }, [done, dismiss]);
  const make = (choices: Choices, isStarted: boolean) =>
    task.run('importing', async (options) => {
      if (!begun) return undefined;
      const path = await send(begun.files, options);
      const { machine } = await client.machines.import({ path, ...choices }, options);
      await refreshUploads();
      if (isStarted) await client.machines.start(machine.id, { wait: 'none' }, options);
      incoming.set(undefined);
      return arrive(machine, task.isInSight);
    });
  return {
    ...task,
    name: begun?.name,
    report: begun?.report,
    begin: lookAt,
    again: () => begun && lookAt(Promise.resolve(begun.files)),
    make,
    close: () => {
      task.cancel();
      task.dismiss();
      incoming.set(undefined);
    },
  };
}
