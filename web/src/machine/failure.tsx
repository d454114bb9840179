import type { ReactElement } from 'react';
import { troubleOf } from './trouble.ts';
import { TroubleNote } from './trouble-note.tsx';

/** Why something cannot be shown. */
export function Failure({ error }: { error: unknown }): ReactElement {
  return <TroubleNote trouble={troubleOf(error)} />;
}
