import { lazy } from 'react';

/** Rooms that are loaded when somebody enters them: the library must be there at once. */
export const MachinePage = lazy(async () => ({
  default: (await import('../page/machine-page.tsx')).MachinePage,
}));
