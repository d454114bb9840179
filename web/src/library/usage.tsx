import type { ReactElement } from 'react';
import { formatSize } from '../../../src/core/units.ts';
import { useActivity } from '../data/activity.ts';
import { useText } from '../text/text.ts';

/** What a running machine uses now. The line is there from the start, so that nothing moves when its numbers come. */
export function Usage({ id }: { id: string }): ReactElement {
  const { say } = useText();
  const used = useActivity()
    .at(-1)
    ?.machines.find((machine) => machine.id === id);
  return (
    <p className="help">
      {used
        ? say('fact.usage', {
            percent: Math.round(used.cpus * 100),
            size: formatSize(Math.round(used.residentBytes)),
          })
        : '\u00a0'}
    </p>
  );
}
