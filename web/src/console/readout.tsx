import { useEffect, useState, type ReactElement } from 'react';
import { formatSize } from '../../../src/core/units.ts';
import { useText } from '../text/text.ts';
import type { Meter, Reading } from './meter.ts';

/** Milliseconds between two readings. */
const everyMs = 1000;

/** What a connection to a screen does at present. */
export function Readout({ meter }: { meter: Meter }): ReactElement {
  const { say } = useText();
  const [reading, setReading] = useState<Reading>();
  useEffect(() => {
    meter.read();
    const timer = setInterval(() => setReading(meter.read()), everyMs);
    return () => clearInterval(timer);
  }, [meter]);
  const { frames = 0, bytes = 0, answerMs } = reading ?? {};
  return (
    <span className="mono">
      {say('console.rates', { frames: Math.round(frames), size: formatSize(Math.round(bytes)) })}
      {answerMs === undefined ? '' : ` · ${say('console.answer', { ms: Math.round(answerMs) })}`}
    </span>
  );
}
