import { useState, type ReactElement } from 'react';
import { useMachines } from '../data/machines.ts';
import { Outcome } from '../machine/outcome.tsx';
import { arranged } from './arrange.ts';
import { droppedMachines } from './drag.ts';
import { FolderBar } from './folder-bar.tsx';
import { folderAt } from './folders.ts';
import { Library } from './library.tsx';
import { SelectionBar } from './selection-bar.tsx';
import { Toolbar } from './toolbar.tsx';
import { useMove } from './use-move.ts';
import { useView } from './view.ts';

/** The first room: all machines, or those of a folder. */
export function LibraryPage({ address = '' }: { address?: string }): ReactElement {
  const folder = folderAt(address);
  const { machines } = useMachines();
  const [view, change] = useView();
  const move = useMove();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const select = (id: string, isSelected: boolean) => {
    const next = new Set(selected);
    if (isSelected) next.add(id);
    else next.delete(id);
    setSelected(next);
  };
  const all = machines ?? [];
  const drop = (to: string, dropped: DataTransfer) => {
    const ids = droppedMachines(dropped);
    move.begin(
      all.filter(({ id }) => ids.includes(id)),
      to,
    );
  };
  const shown = arranged(all, { ...view, folder });
  return (
    <>
      <Library
        machines={machines}
        shown={shown}
        selected={selected}
        select={select}
        view={view}
        clear={() => change({ query: '' })}
        toolbar={<Toolbar view={view} change={change} />}
        folders={<FolderBar machines={all} folder={folder} drop={drop} />}
      />
      <Outcome {...move} />
      <SelectionBar
        selected={shown.filter(({ id }) => selected.has(id))}
        clear={() => setSelected(new Set())}
        move={move.begin}
      />
    </>
  );
}
