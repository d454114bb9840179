import { app } from './app.ts';
import { console } from './console.ts';
import { library } from './library.ts';
import { machine } from './machine.ts';
import { page } from './page.ts';

/** English texts, in one file for each room of the page; the names of those in other languages are the same. */
export const en = { ...app, ...console, ...library, ...machine, ...page } as const;

export type TextKey = keyof typeof en;
