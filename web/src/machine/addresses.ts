import type { routes } from '../../../src/api/generated/routes.ts';
import type { May } from '../data/may.ts';

/** The address of the page where machines are made. */
export const newPage = '/new';

/** The tabs of the page of a machine, in their order. */
const tabs = ['console', 'snapshots', 'settings', 'activity'] as const;
export type Tab = (typeof tabs)[number];

/** Without what a tab would show nothing. */
const needed: Readonly<Record<Tab, keyof typeof routes>> = {
  console: 'machines.screen',
  snapshots: 'snapshots.list',
  settings: 'machines.set',
  activity: 'host.activity',
};

/** The tabs of a machine for somebody who may do these operations. */
export function tabsFor(may: May, id: string): readonly Tab[] {
  return tabs.filter((tab) => may(needed[tab], id));
}

/** The address of a machine's page within the web desktop. */
export function machinePage(id: string, tab: Tab = 'console'): string {
  return ['', 'machines', id, ...(tab === 'console' ? [] : [tab])].join('/');
}
