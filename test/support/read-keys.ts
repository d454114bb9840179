import { readModel } from '../../src/model/read.ts';
import { edit, emptyDocument } from '../../src/vmx/document.ts';

const base = {
  'config.version': '8',
  'virtualHW.version': '20',
  guestOS: 'arm-debian12-64',
  'uuid.bios': '56 4d 7b fc 21 5e 2e 04-0d d4 2b 46 76 ee 1c 8f',
};

/** The machine of a `.vmx` with what every machine has, and these keys. */
export function readKeys(keys: Record<string, string>): ReturnType<typeof readModel> {
  return readModel(edit(emptyDocument(), new Map(Object.entries({ ...base, ...keys }))));
}
