/** What machines are while they are dragged: their ids. Another page cannot read it, nor files be mistaken for it. */
const type = 'application/x-kame-machines';

/** Begins to drag machines. */
export function dragMachines(data: DataTransfer, ids: readonly string[]): void {
  data.setData(type, ids.join(' '));
  data.effectAllowed = 'move';
}

export function hasMachines(data: DataTransfer): boolean {
  return data.types.includes(type);
}

/** The ids of the machines that are dropped. */
export function droppedMachines(data: DataTransfer): readonly string[] {
  return data
    .getData(type)
    .split(' ')
    .filter((id) => id !== '');
}
