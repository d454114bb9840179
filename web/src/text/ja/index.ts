import type { TextKey } from '../en/index.ts';
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

/** Japanese texts. A key that is missing, or that English lacks, does not compile. */
export const ja: Readonly<Record<TextKey, string>> = {
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
};
