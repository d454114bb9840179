import type { TextKey } from '../en/index.ts';
import { app } from './app.ts';
import { console } from './console.ts';
import { library } from './library.ts';
import { machine } from './machine.ts';
import { page } from './page.ts';

/** Japanese texts. A key that is missing, or that English lacks, does not compile. */
export const ja: Readonly<Record<TextKey, string>> = { ...app, ...console, ...library, ...machine, ...page };
