import { lazy } from 'react';

/** Rooms that are loaded when somebody enters them: the library must be there at once. */
export const MachinePage = lazy(async () => ({
  default: (await import('../page/machine-page.tsx')).MachinePage,
}));
export const NewPage = lazy(async () => ({ default: (await import('../new/new-page.tsx')).NewPage }));
export const StoryPage = lazy(async () => ({ default: (await import('../story/story-page.tsx')).StoryPage }));
export const HostPage = lazy(async () => ({ default: (await import('../host/host-page.tsx')).HostPage }));
