import { useCallback, useState, type DragEvent } from 'react';
import { KameError } from '../../../src/core/errors.ts';
import { client } from '../data/client.ts';
import { troubleOf, type Trouble } from '../machine/trouble.ts';
import { tarOf, type Owner } from './tar.ts';

/** Where dropped files go in a guest: the home of the person who uses it, and whose they are. */
export interface Destination extends Owner {
  readonly path: string;
}

/** What people are numbered from in Linux; those above are made by programs. */
const [firstPerson, lastPerson] = [1000, 60_000];

/** The home of the first person in the guest; the one of root if there is none. @throws KameError of the guest */
async function destinationIn(machine: string, signal: AbortSignal): Promise<Destination> {
  const { users } = await client.guestUsers.list(machine, { signal });
  const person = users
    .filter(({ uid, home }) => uid >= firstPerson && uid < lastPerson && home.startsWith('/home/'))
    .toSorted((a, b) => a.uid - b.uid)[0];
  if (person) return { path: person.home, uid: person.uid, gid: person.gid };
  return { path: users.find(({ uid }) => uid === 0)?.home ?? '/root', uid: 0, gid: 0 };
}

export interface Drop {
  /** Something is held over the console that can be dropped. */
  readonly isOver: boolean;
  /** What is being copied; undefined if nothing is. */
  readonly copying: { readonly files: number; readonly done: number; readonly total: number } | undefined;
  /** What has been copied, and where to. */
  readonly copied: { readonly files: number; readonly path: string } | undefined;
  readonly trouble: Trouble | undefined;
  /** Copies files that were chosen; undefined while others are being copied. */
  readonly send: ((files: readonly File[]) => void) | undefined;
  readonly cancel: () => void;
  readonly dismiss: () => void;
  /** For the element that files are dropped on. */
  readonly handlers: {
    readonly onDragOver: (event: DragEvent) => void;
    readonly onDragLeave: (event: DragEvent) => void;
    readonly onDrop: (event: DragEvent) => void;
  };
}

/** Whether one of the things that were dropped is a folder, which a page gets as a file that it cannot read. */
function hasFolder({ items }: DataTransfer): boolean {
  return [...items].some((item) => item.webkitGetAsEntry()?.isDirectory === true);
}

async function copy(
  machine: string,
  files: readonly File[],
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  // The session takes no hidden files.
  const isPlain = files.every(({ name }) => !name.startsWith('.'));
  const path = isPlain ? await dropped(machine, files, progress, signal) : undefined;
  return path ?? (await copyHome(machine, files, progress, signal));
}

/** Drops files into the session at the screen. @returns where they are; undefined if nothing there takes them */
async function dropped(
  machine: string,
  files: readonly File[],
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    // To whom they belong, the session decides.
    const archive = tarOf(files, { uid: 0, gid: 0 });
    const [first] = await client.files.drop(machine, { archive, progress, signal });
    return first?.path?.replace(/\/[^/]*$/u, '') ?? '~';
  } catch (error) {
    if (error instanceof KameError && error.code === 'GUEST_AGENT_MISSING') return undefined;
    throw error;
  }
}

/** Copies files into the home of the first person in the guest. @returns that home */
async function copyHome(
  machine: string,
  files: readonly File[],
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const { path, ...owner } = await destinationIn(machine, signal);
  const archive = tarOf(files, owner);
  await client.files.put(machine, { path, directory: true }, { archive, progress, signal });
  return path;
}

/** Copies files that are dropped on the console into the guest, one drop at a time. */
export function useDrop(machine: string, noFolders: Trouble): Drop {
  const [isOver, setOver] = useState(false);
  const [copying, setCopying] = useState<Drop['copying']>();
  const [copied, setCopied] = useState<Drop['copied']>();
  const [trouble, setTrouble] = useState<Trouble>();
  const [running, setRunning] = useState<AbortController>();
  const dismiss = useCallback(() => {
    setCopied(undefined);
    setTrouble(undefined);
  }, []);
  const begin = (files: readonly File[]) => {
    const over = new AbortController();
    const total = files.reduce((sum, { size }) => sum + size, 0);
    const count = files.length;
    const progress = (done: number) => setCopying({ files: count, done: Math.min(done, total), total });
    dismiss();
    setRunning(over);
    progress(0);
    void copy(machine, files, progress, over.signal)
      .then((path) => setCopied({ files: count, path }))
      .catch((error: unknown) => {
        if (!(error instanceof KameError && error.code === 'CANCELLED')) setTrouble(troubleOf(error));
      })
      .finally(() => {
        setCopying(undefined);
        setRunning(undefined);
      });
  };
  return {
    ...{ isOver, copying, copied, trouble, dismiss },
    send: running ? undefined : begin,
    cancel: () => running?.abort(),
    handlers: {
      onDragOver: (event) => {
        if (!event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = running ? 'none' : 'copy';
        setOver(!running);
      },
      onDragLeave: (event) => {
        const to = event.relatedTarget;
        if (!(to instanceof Node && event.currentTarget.contains(to))) setOver(false);
      },
      onDrop: (event) => {
        event.preventDefault();
        setOver(false);
        if (running) return;
        if (hasFolder(event.dataTransfer)) {
          dismiss();
          setTrouble(noFolders);
        } else if (event.dataTransfer.files.length > 0) begin([...event.dataTransfer.files]);
      },
    },
  };
}
