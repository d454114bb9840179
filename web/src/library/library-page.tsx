import { useState, type ReactElement } from 'react';
import { useMachines } from '../data/machines.ts';
import { arranged, type Order } from './arrange.ts';
import { Library } from './library.tsx';
import { Toolbar } from './toolbar.tsx';

/** What the library was arranged by, kept while a person visits a machine and comes back. */
const kept = { query: '', order: 'name' as Order };

/** The first room: all machines. */
export function LibraryPage(): ReactElement {
  const { machines } = useMachines();
  const [{ query, order }, setArrangement] = useState({ ...kept });
  const arrange = (change: Partial<typeof kept>) => setArrangement({ ...Object.assign(kept, change) });
  return (
    <Library
      machines={machines}
      shown={arranged(machines ?? [], query, order)}
      query={query}
      clear={() => arrange({ query: '' })}
      toolbar={<Toolbar query={query} order={order} arrange={arrange} />}
    />
  );
}
