import { displayWidth } from '../core/text-width.ts';
import { visible } from './text.ts';

export interface Cell {
  readonly text: string;
  /** Adds colour to the text, on a terminal with colours. */
  readonly paint?: ((text: string) => string) | undefined;
  readonly align?: 'right';
}

function asCell(cell: Cell | string): Cell {
  return typeof cell === 'string' ? { text: visible(cell) } : { ...cell, text: visible(cell.text) };
}

/** Lines of aligned columns, two spaces apart, without trailing spaces. */
export function tableLines(rows: readonly (readonly (Cell | string)[])[]): string[] {
  const cells = rows.map((row) => row.map(asCell));
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, displayWidth(cell.text));
    });
  }
  return cells.map((row) =>
    row
      .map((cell, column) => {
        const last = column === row.length - 1;
        const blank = ' '.repeat((widths[column] ?? 0) - displayWidth(cell.text));
        const text = cell.paint ? cell.paint(cell.text) : cell.text;
        if (cell.align === 'right') return blank + text;
        return last ? text : text + blank;
      })
      .join('  ')
      .trimEnd(),
  );
}
