import { foldKey } from '../vmx/document.ts';
import { settingList } from './setting-list.ts';

/** Keys (folded) that are read from the `.vmx` whenever they matter, not only at a start. */
const liveKeys: ReadonlySet<string> = new Set([
  'annotation',
  'kame.folder',
  'tools.synctime',
  'isolation.tools.copy.disable',
  'isolation.tools.paste.disable',
]);

/**
 * Whether a setting takes effect at once, in whatever state the machine is: it is about the machine, not its hardware.
 * @param name a name in settingList, or a key of the `.vmx`
 */
export function isLive(name: string): boolean {
  const folded = foldKey(name);
  const keys = settingList.find((setting) => setting.name === folded)?.keys ?? [name];
  return keys.every((key) => liveKeys.has(foldKey(key)) || foldKey(key).startsWith('guestinfo.'));
}
