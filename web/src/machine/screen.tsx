import { useIntersection } from '@mantine/hooks';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { client } from '../data/client.ts';
import { SystemMark } from '../design/system-mark/system-mark.tsx';
import { useText } from '../text/text.ts';
import styles from './machine.module.css';
import { systemOf } from './system.ts';

/** Milliseconds between the end of one picture and the request for the next. */
const pauseMs = 2000;
/** The width of a picture in pixels, enough for a card on a fine display. */
const width = 640;

async function draw(canvas: HTMLCanvasElement, png: Uint8Array): Promise<void> {
  const picture = await createImageBitmap(new Blob([png as Uint8Array<ArrayBuffer>], { type: 'image/png' }));
  const scale = Math.min(1, width / picture.width);
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
}

/** Draws the screen of a machine. A picture that fails is left out. @returns whether there was one */
async function drawOnce(canvas: HTMLCanvasElement, machine: string, signal: AbortSignal): Promise<boolean> {
  try {
    await draw(canvas, await client.machines.screenshot(machine, { signal }));
    return true;
  } catch {
    return false;
  }
}

/** Draws the screen of a machine again and again, until the signal. */
function keepDrawing(canvas: HTMLCanvasElement, machine: string, signal: AbortSignal): void {
  const next = async (): Promise<void> => {
    if (!document.hidden) await drawOnce(canvas, machine, signal);
    if (!signal.aborted) setTimeout(() => void next(), pauseMs);
  };
  void next();
}

/**
 * The screen of a running machine, live while it is in view; of a suspended one, what was on it then; of another one, the mark of
 * its system.
 */
export function Screen({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { ref, entry } = useIntersection();
  const [isKept, setKept] = useState(true);
  const { id, name, state, guestOS } = machine;
  const isOn = state === 'running' || state === 'paused';
  const isShown = isOn || (state === 'suspended' && isKept);
  const isInView = isShown && entry?.isIntersecting === true;
  useEffect(() => {
    if (!isInView || !canvas.current) return undefined;
    const ended = new AbortController();
    if (isOn) keepDrawing(canvas.current, id, ended.signal);
    else
      void drawOnce(canvas.current, id, ended.signal).then((isThere) => {
        if (!ended.signal.aborted) setKept(isThere);
      });
    return () => ended.abort();
  }, [isInView, isOn, id]);
  return (
    <div ref={ref} className={styles.screen} data-on={isShown} data-state={state}>
      {isShown ? (
        <canvas ref={canvas} width={0} height={0} role="img" aria-label={say('screen.of', { name })} />
      ) : (
        <SystemMark system={systemOf(guestOS)} size={56} />
      )}
    </div>
  );
}
