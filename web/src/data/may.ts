import type { routes } from '../../../src/api/generated/routes.ts';

/** Tells whether an operation is permitted. @param id of the machine that it is for; by default the one that the part of the page is about */
export type May = (name: keyof typeof routes, id?: string) => boolean;
