import { activity } from './activity.ts';
import { app } from './app.ts';
import { console } from './console.ts';
import { design } from './design.ts';
import { host } from './host.ts';
import { library } from './library.ts';
import { machine } from './machine.ts';
import { fresh } from './new.ts';
import { page } from './page.ts';
import { settings } from './settings.ts';
import { snapshots } from './snapshots.ts';

/** English texts, in one file for each room of the page; the names of those in other languages are the same. */
export const en = {
  ...activity,
  ...app,
  ...console,
  ...design,
  ...host,
  ...library,
  ...machine,
  ...fresh,
  ...page,
  ...settings,
  ...snapshots,
} as const;

export type TextKey = keyof typeof en;
