import { useState } from 'react';
import { orders, type Order } from './arrange.ts';

export const layouts = ['cards', 'rows'] as const;
export type Layout = (typeof layouts)[number];

/** How a person likes to see the library, and what they search for. */
export interface View {
  readonly layout: Layout;
  readonly order: Order;
  readonly query: string;
}

const stored = 'kame-library';

/** What this browser remembers; anything else in its place is ignored. */
function remembered(): Pick<View, 'layout' | 'order'> {
  const words = (localStorage.getItem(stored) ?? '').split(' ');
  return {
    layout: layouts.find((each) => words.includes(each)) ?? 'cards',
    order: orders.find((each) => words.includes(each)) ?? 'name',
  };
}

/** Kept while a person visits a machine and comes back; the search is not remembered longer. */
let kept: View | undefined;

/** The view, and how to change it. */
export function useView(): readonly [View, (change: Partial<View>) => void] {
  const [view, setView] = useState<View>(() => (kept ??= { ...remembered(), query: '' }));
  const change = (to: Partial<View>) => {
    kept = { ...view, ...to };
    localStorage.setItem(stored, `${kept.layout} ${kept.order}`);
    setView(kept);
  };
  return [view, change];
}
