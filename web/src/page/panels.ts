import { lazy, type ComponentType } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import type { Tab } from '../machine/addresses.ts';

/** What each tab of a machine's page shows, loaded when it is opened. */
export const panels: Readonly<Record<Tab, ComponentType<{ machine: Machine }>>> = {
  console: lazy(async () => ({ default: (await import('../console/console-panel.tsx')).ConsolePanel })),
  snapshots: lazy(async () => ({
    default: (await import('../snapshots/snapshots-panel.tsx')).SnapshotsPanel,
  })),
  settings: lazy(async () => ({ default: (await import('../settings/settings-panel.tsx')).SettingsPanel })),
  activity: lazy(async () => ({ default: (await import('../activity/activity-panel.tsx')).ActivityPanel })),
};
