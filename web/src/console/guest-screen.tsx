import type RFB from '@novnc/novnc';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import styles from './console.module.css';
import { keepShowing, type LinkStatus } from './screen-link.ts';

/** The live screen of a running machine. */
export default function GuestScreen({ machine }: { machine: Machine }): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const [, setStatus] = useState<LinkStatus>('connecting');
  const [rfb, setRfb] = useState<RFB>();
  const { id } = machine;
  useEffect(() => {
    if (!place.current) return undefined;
    const over = new AbortController();
    const listener = {
      status: setStatus,
      rfb: setRfb,
      received: () => undefined,
      sent: () => undefined,
    };
    void keepShowing(place.current, id, listener, over.signal);
    return () => over.abort();
  }, [id]);
  useEffect(() => {
    if (!rfb) return;
    rfb.scaleViewport = true;
    rfb.background = 'transparent';
  }, [rfb]);
  return <div ref={place} className={styles.screen} />;
}
