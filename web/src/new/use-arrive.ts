import { useLocation } from 'wouter';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { machinePage } from '../machine/addresses.ts';
import type { Done } from '../machine/task.ts';
import { useText } from '../text/text.ts';

/** Goes to a machine that was made, unless a person has gone elsewhere meanwhile: then it is only said. */
export function useArrive(): (
  machine: Pick<Machine, 'id' | 'name'>,
  isInSight: () => boolean,
) => Done | undefined {
  const { say } = useText();
  const [, go] = useLocation();
  return ({ id, name }, isInSight) => {
    const page = machinePage(id);
    if (!isInSight()) return { said: say('new.made', { name }), page };
    go(page);
    return undefined;
  };
}
