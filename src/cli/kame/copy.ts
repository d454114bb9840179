import type { Command } from '@commander-js/extra-typings';
import { copyIn, dropIn } from '../../client/node/copy-in.ts';
import { copyOut, type CopyOutResult } from '../../client/node/copy-out.ts';
import type { TaskOptions } from '../../client/core/options.ts';
import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import { readCopy, type CopyRequest } from '../guest-path.ts';
import { examples, jsonShape, sizeAboveZero } from '../options.ts';
import type { Session } from '../session.ts';

interface Options {
  readonly owner: boolean;
  readonly maxBytes: number | undefined;
}

/** Notes about what was left out: after them, nobody could read many. */
const maxNotes = 20;

function filesText(files: number, bytes: number): string {
  return `copied ${files === 1 ? '1 file' : `${files} files`}, ${formatSize(bytes)}`;
}

/** Collects what was left out, and tells it after the progress. */
class Problems {
  readonly texts: string[] = [];
  readonly add = (text: string): void => void this.texts.push(text);

  tell(session: Session): void {
    session.note(...this.texts.slice(0, maxNotes));
    if (this.texts.length > maxNotes) session.note(`… and ${this.texts.length - maxNotes} more.`);
  }
}

/** A trailing slash says that it is a directory, and so do several sources. */
function mustBeDirectory(path: string, sources: readonly unknown[]): boolean {
  return sources.length > 1 || path.endsWith('/');
}

async function intoGuest(
  session: Session,
  { sources, machine, path }: Extract<CopyRequest, { into: 'guest' }>,
  { owner }: Options,
  problems: Problems,
): Promise<void> {
  const directory = mustBeDirectory(path, sources);
  const copy = {
    sources: sources.map((each) => session.path(each)),
    machine: session.machine(machine),
    path,
    directory,
    owner,
  };
  const { files, bytes } = await session.task(machine, (options) =>
    copyIn(session.client, copy, { ...options, onProblem: problems.add }),
  );
  problems.tell(session);
  if (session.json) session.printJson({ files, bytes, problems: problems.texts });
  else session.print(`${machine}: ${filesText(files, bytes)}`);
}

async function intoSession(
  session: Session,
  { sources, machine, path }: Extract<CopyRequest, { into: 'guest' }>,
  problems: Problems,
): Promise<void> {
  if (path !== '')
    throw new KameError(
      'USAGE',
      `With --drop, the guest decides where files go: write ${machine}: without a path.`,
    );
  const files = sources.map((each) => session.path(each));
  const dropped = await session.task(machine, (options: TaskOptions) =>
    dropIn(
      session.client,
      { sources: files, machine: session.machine(machine) },
      { ...options, onProblem: problems.add },
    ),
  );
  problems.tell(session);
  if (session.json) session.printJson({ dropped, problems: problems.texts });
  else
    for (const { name, path: place } of dropped)
      session.print(`${machine}: ${place ?? `${name} (the session of the guest knows where)`}`);
}

async function toHost(
  session: Session,
  { sources, target }: Extract<CopyRequest, { into: 'host' }>,
  options: Options,
  problems: Problems,
): Promise<void> {
  if (options.owner && process.getuid?.() !== 0)
    throw new KameError('USAGE', '--owner needs root on this computer to give files away.');
  const directory = mustBeDirectory(target, sources);
  const results: CopyOutResult[] = [];
  for (const { machine, path } of sources) {
    const copy = {
      machine: session.machine(machine),
      path,
      target: session.path(target),
      directory,
      ...options,
    };
    const result = await session.task(machine, (task: TaskOptions) =>
      copyOut(session.client, copy, { ...task, onProblem: problems.add }),
    );
    results.push(result);
    if (!session.json) session.print(`${result.path}: ${filesText(result.files, result.bytes)}`);
  }
  problems.tell(session);
  if (!session.json) return;
  const sum = (of: 'files' | 'bytes') => results.reduce((total, result) => total + result[of], 0);
  session.printJson({ files: sum('files'), bytes: sum('bytes'), problems: problems.texts });
}

export function define(program: Command, session: Session): void {
  program
    .command('copy')
    .description(
      'Copies files and directories between this computer and a running guest, with their permissions, times, and links, and ' +
        'holes in sparse files. NAME:PATH is a path in the guest, relative to the home of root; NAME: alone is that home. A path ' +
        'of this computer with a colon is written ./a:b. As with cp, a directory goes into a directory of its name, and files ' +
        'are replaced. Several sources, and a destination that ends with a slash, need a directory. Nothing is seen in the ' +
        'destination before all of a source is there; after Ctrl-C nothing of it stays. It needs the guest agent, a shell and ' +
        'tar in the guest; an agent that runs no programs copies single files by their full paths, slowly, and at most 256 MiB.',
    )
    .usage('[options] <source...> <destination>')
    .argument(
      '<place...>',
      'what to copy and, last, where it goes: paths of this computer, or NAME:PATH in a guest',
    )
    .option(
      '--owner',
      'keep the owners, by number; without it, files in the guest belong to root, and copies out of it to you',
    )
    .option(
      '--drop',
      'drop files into the desktop of the guest: they belong to its user, who finds them among the downloads or on the desktop, and replace nothing',
    )
    .option(
      '--max-size <size>',
      'refuse more than this out of a guest, such as 10GiB',
      sizeAboveZero('--max-size'),
    )
    .option('--json', jsonShape('{files, bytes, problems}; with --drop {dropped, problems}'))
    .addHelpText(
      'after',
      examples(
        'kame copy notes.txt demo:',
        'kame copy site/ *.conf demo:/srv/',
        'kame copy demo:/var/log/messages .',
        'kame copy demo:/etc ./etc-of-demo',
        'kame copy --drop picture.png demo:',
      ),
    )
    .action(async (places, { owner = false, maxSize, drop = false }) => {
      const request = await readCopy(places, session);
      const problems = new Problems();
      const options = { owner, maxBytes: maxSize };
      if (drop && request.into === 'host')
        throw new KameError('USAGE', '--drop is for files of this computer.');
      if (drop && request.into === 'guest') await intoSession(session, request, problems);
      else if (request.into === 'guest') await intoGuest(session, request, options, problems);
      else await toHost(session, request, options, problems);
    });
}
