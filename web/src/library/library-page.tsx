import { useState, type ReactElement } from 'react';
import { useMachines } from '../data/machines.ts';
import { arranged, type Order } from './arrange.ts';
import { Library } from './library.tsx';
import { SelectionBar } from './selection-bar.tsx';
import { Toolbar } from './toolbar.tsx';

/** What the library was arranged by, kept while a person visits a machine and comes back. */
const kept = { query: '', order: 'name' as Order };

/** The first room: all machines. */
export function LibraryPage(): ReactElement {
  const { machines } = useMachines();
  const [{ query, order }, setArrangement] = useState({ ...kept });
  const arrange = (change: Partial<typeof kept>) => setArrangement({ ...Object.assign(kept, change) });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const select = (id: string, isSelected: boolean) => {
    const next = new Set(selected);
    if (isSelected) next.add(id);
    else next.delete(id);
    setSelected(next);
  };
  const shown = arranged(machines ?? [], query, order);
  return (
    <>
      <Library
        machines={machines}
        shown={shown}
        selected={selected}
        select={select}
        query={query}
        clear={() => arrange({ query: '' })}
        toolbar={<Toolbar query={query} order={order} arrange={arrange} />}
      />
      <SelectionBar
        selected={shown.filter(({ id }) => selected.has(id))}
        clear={() => setSelected(new Set())}
      />
    </>
  );
}
