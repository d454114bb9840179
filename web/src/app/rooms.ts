import { lazy } from 'react';

/** Rooms that are loaded when somebody enters them, or soon after the start: the library must be there at once. */
const load = {
  machine: async () => ({ default: (await import('../page/machine-page.tsx')).MachinePage }),
  new: async () => ({ default: (await import('../new/new-page.tsx')).NewPage }),
  host: async () => ({ default: (await import('../host/host-page.tsx')).HostPage }),
};

export const MachinePage = lazy(load.machine);
export const NewPage = lazy(load.new);
export const HostPage = lazy(load.host);
export const StoryPage = lazy(async () => ({ default: (await import('../story/story-page.tsx')).StoryPage }));

/** Loads the rooms that people enter: later, the daemon that has them may be away. */
export async function loadRooms(): Promise<void> {
  await Promise.allSettled(Object.values(load).map(async (each) => await each()));
}
