/** The tabs of the page of a machine, in their order. */
export const tabs = ['console', 'snapshots', 'settings', 'activity'] as const;
export type Tab = (typeof tabs)[number];

/** The address of a machine's page within the web desktop. */
export function machinePage(id: string, tab: Tab = 'console'): string {
  return ['', 'machines', id, ...(tab === 'console' ? [] : [tab])].join('/');
}
