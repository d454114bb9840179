import type RFB from '@novnc/novnc';
import { useEffect, useMemo, useRef, useState, type RefObject } from 'react';
import { client } from '../data/client.ts';
import type { May } from '../data/may.ts';
import { Meter } from './meter.ts';
import { keepShowing, type LinkStatus } from './screen-link.ts';

/** How large the picture is: as fits, as it is, or as the window is, which the guest is asked for. */
const views = ['fit', 'true', 'follow'] as const;
export type View = (typeof views)[number];

/** Those for somebody who may do these operations: one asks the guest for a size. */
export function viewsFor(may: May): readonly View[] {
  return views.filter((view) => view !== 'follow' || may('machines.setResolution'));
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface LiveScreen {
  readonly place: RefObject<HTMLDivElement | null>;
  readonly status: LinkStatus;
  readonly rfb: RFB | undefined;
  readonly meter: Meter;
  /** Of the guest's display; undefined until it is known. */
  readonly size: Size | undefined;
}

/**
 * The screen of a machine in an element of the page.
 * @param isForLooking leaves out keys and the pointer, which the daemon would not pass on
 */
export function useScreen(machine: string, view: View, isForLooking: boolean): LiveScreen {
  const place = useRef<HTMLDivElement>(null);
  const [status, setStatus] = useState<LinkStatus>('connecting');
  const [rfb, setRfb] = useState<RFB>();
  const meter = useMemo(() => new Meter(), []);
  useEffect(() => {
    if (!place.current) return undefined;
    const over = new AbortController();
    const listener = {
      status: setStatus,
      rfb: setRfb,
      received: (bytes: number) => meter.received(bytes),
      sent: (data: Uint8Array) => meter.sent(data),
    };
    void keepShowing(place.current, machine, listener, over.signal);
    return () => over.abort();
  }, [machine, meter]);
  useEffect(() => {
    if (!rfb) return;
    rfb.background = 'transparent';
    rfb.qualityLevel = 9;
    rfb.compressionLevel = 1;
    rfb.showDotCursor = true;
    rfb.viewOnly = isForLooking;
  }, [rfb, isForLooking]);
  useEffect(() => {
    if (rfb) rfb.scaleViewport = view !== 'true';
  }, [rfb, view]);
  useFollowing(machine, place, view === 'follow' && status === 'live');
  return { place, status, rfb, meter, size: useSize(place, rfb) };
}

/** The size of the canvas, which noVNC changes with the guest's display. */
function useSize(place: RefObject<HTMLDivElement | null>, rfb: RFB | undefined): Size | undefined {
  const [size, setSize] = useState<Size>();
  useEffect(() => {
    const canvas = rfb && place.current?.querySelector('canvas');
    if (!canvas) return undefined;
    const look = () => setSize(canvas.width > 0 ? { width: canvas.width, height: canvas.height } : undefined);
    const observer = new MutationObserver(look);
    observer.observe(canvas, { attributeFilter: ['width', 'height'] });
    look();
    return () => observer.disconnect();
  }, [place, rfb]);
  return size;
}

/** Milliseconds without a change of the window until the guest is asked to follow. */
const restMs = 400;
/** Milliseconds that a guest has; one that does not follow keeps its size, which is then scaled. */
const followMs = 6000;
/** Guests round widths down to this many pixels. */
const step = 8;
/** The sizes that the API takes. */
const [least, most] = [64, { width: 5120, height: 2160 }];

/** Asks the guest for the size of an element, again when that changes. */
function useFollowing(machine: string, place: RefObject<HTMLDivElement | null>, follows: boolean): void {
  useEffect(() => {
    const element = place.current;
    if (!element || !follows) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asked = new AbortController();
    const ask = () => {
      asked.abort();
      asked = new AbortController();
      const width = Math.min(most.width, Math.floor(element.clientWidth / step) * step);
      const height = Math.min(most.height, element.clientHeight);
      if (width < least || height < least) return;
      const wanted = { width, height, timeoutMs: followMs };
      // A guest that cannot is scaled: its size stands below the picture.
      void client.machines.setResolution(machine, wanted, { signal: asked.signal }).catch(() => undefined);
    };
    const observer = new ResizeObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(ask, restMs);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      clearTimeout(timer);
      asked.abort();
    };
  }, [machine, place, follows]);
}
