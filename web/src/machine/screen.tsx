import { useIntersection } from '@mantine/hooks';
import { useEffect, useRef, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { client } from '../data/client.ts';
import { useText } from '../text/text.ts';
import styles from './machine.module.css';
import { systemMark } from './system.ts';

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

/** Draws the screen of a machine again and again, until the signal. A picture that fails is left out. */
function keepDrawing(canvas: HTMLCanvasElement, machine: string, signal: AbortSignal): void {
  const next = async (): Promise<void> => {
    if (!document.hidden) {
      await client.machines
        .screenshot(machine, { signal })
        .then(async (png) => await draw(canvas, png))
        .catch(() => undefined);
    }
    if (!signal.aborted) setTimeout(() => void next(), pauseMs);
  };
  void next();
}

/** The screen of a running machine, live while it is in view; of another one, the mark of its system. */
export function Screen({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { ref, entry } = useIntersection();
  const { id, name, state, guestOS } = machine;
  const isOn = state === 'running' || state === 'paused';
  const isLive = isOn && entry?.isIntersecting === true;
  useEffect(() => {
    if (!isLive || !canvas.current) return undefined;
    const ended = new AbortController();
    keepDrawing(canvas.current, id, ended.signal);
    return () => ended.abort();
  }, [isLive, id]);
  return (
    <div ref={ref} className={styles.screen} data-on={isOn}>
      {isOn ? (
        <canvas ref={canvas} width={0} height={0} role="img" aria-label={say('screen.of', { name })} />
      ) : (
        <span className={styles.mark} aria-hidden>
          {systemMark(guestOS)}
        </span>
      )}
    </div>
  );
}
