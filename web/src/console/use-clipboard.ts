import { useCallback, useEffect, useRef, useState } from 'react';
import { troubleOf, type Trouble } from '../machine/trouble.ts';
import { client } from '../data/client.ts';
import { useMay } from '../data/rights.tsx';

/** The longest text that is taken from a guest by itself, in bytes. */
const maxBytes = 1024 * 1024;
const plain = 'text/plain';
/** Milliseconds until it is tried again. */
const againMs = 3000;

async function textOf(machine: string, signal: AbortSignal): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const over = new AbortController();
  const request = {
    signal: AbortSignal.any([signal, over.signal]),
    output: async (data: Uint8Array) => {
      size += data.length;
      if (size > maxBytes) over.abort();
      else parts.push(data);
      await Promise.resolve();
    },
  };
  await client.clipboard.get(machine, { type: plain }, request).catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  if (over.signal.aborted) return undefined;
  return await new Blob(parts as Uint8Array<ArrayBuffer>[]).text();
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
  await Promise.resolve();
}

/** Whether this page may read the clipboard of the host without asking. Firefox and Safari never say so. */
async function mayRead(): Promise<boolean> {
  const name = 'clipboard-read' as PermissionName;
  const found = await navigator.permissions.query({ name }).catch(() => undefined);
  return found?.state === 'granted' && document.hasFocus();
}

export interface SharedClipboard {
  /** Whether a program in the guest shares its clipboard; undefined until that is known. */
  readonly agent: boolean | undefined;
  /** What was copied last in the guest. */
  readonly text: string | undefined;
  /** Whether the browser lets the page pass texts on by itself. */
  readonly isAutomatic: boolean;
  readonly trouble: Trouble | undefined;
  /** Puts a text on the clipboard of the guest. @returns whether that was done */
  readonly give: (text: string) => Promise<boolean>;
  /** Asks the browser for the clipboard of the host; a person must have clicked. @returns what is on it */
  readonly ask: () => Promise<string | undefined>;
  /** Passes on what is new on the clipboard of the host, if the browser lets it. */
  readonly passOn: () => void;
}

/** The clipboard of a guest, and the one of the host as far as the browser lets a page use it. */
export function useClipboard(machine: string): SharedClipboard {
  const isPermitted = useMay()('clipboard.watch');
  const [agent, setAgent] = useState<boolean>();
  const [text, setText] = useState<string>();
  const [isAutomatic, setAutomatic] = useState(false);
  const [trouble, setTrouble] = useState<Trouble>();
  /** The text that both have: it is not sent back to where it came from. */
  const shared = useRef<string>(undefined);

  useEffect(() => {
    if (!isPermitted) return undefined;
    const over = new AbortController();
    const { signal } = over;
    const follow = async () => {
      for await (const { agent: answers, owner, types } of client.clipboard.watch(machine, { signal })) {
        setTrouble(undefined);
        setAgent(answers);
        if (owner !== 'guest' || !types.includes(plain)) continue;
        const copied = await textOf(machine, signal);
        if (copied === undefined) continue;
        setText(copied);
        shared.current = copied;
        // Without the right to, it is in the panel.
        if (document.hasFocus()) await navigator.clipboard.writeText(copied).catch(() => undefined);
      }
    };
    const begin = () =>
      void follow()
        .catch((error: unknown) => {
          if (!signal.aborted) setTrouble(troubleOf(error));
        })
        .then(() => {
          if (!signal.aborted) setTimeout(begin, againMs);
        });
    begin();
    return () => over.abort();
  }, [machine, isPermitted]);

  const give = useCallback(
    async (given: string): Promise<boolean> => {
      try {
        await client.clipboard.set(machine, { type: plain }, { input: once(given) });
        shared.current = given;
        setTrouble(undefined);
        return true;
      } catch (error) {
        setTrouble(troubleOf(error));
        return false;
      }
    },
    [machine],
  );

  const ask = useCallback(async (): Promise<string | undefined> => {
    const found = await navigator.clipboard.readText().catch(() => undefined);
    setAutomatic(await mayRead());
    return found;
  }, []);

  const passOn = useCallback(() => {
    const work = async () => {
      const allowed = await mayRead();
      setAutomatic(allowed);
      if (!allowed || agent !== true) return;
      const found = await navigator.clipboard.readText();
      if (found !== '' && found !== shared.current) await give(found);
    };
    void work().catch(() => undefined);
  }, [agent, give]);

  useEffect(() => {
    window.addEventListener('focus', passOn);
    return () => window.removeEventListener('focus', passOn);
  }, [passOn]);

  return { agent, text, isAutomatic, trouble, give, ask, passOn };
}
