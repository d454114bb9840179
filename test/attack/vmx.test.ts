import { expect, it } from 'vitest';
import { readModel } from '../../src/model/read.ts';
import { validateModel } from '../../src/model/validate.ts';
import { edit, getText, parseVmx, printVmx } from '../../src/vmx/document.ts';
import { fuzz } from './fuzz.ts';
import { vmxCorpus } from './samples.ts';

/** One key that most samples have, one that goes, one that is new. */
const changes = new Map([
  ['memsize', '512'],
  ['guestOS', null],
  ['kame.note', 'a "b" |c'],
]);

it('reads any .vmx to a model, prints it unchanged, and can change it', async () => {
  const { read, refused } = await fuzz(vmxCorpus, (input) => {
    const document = parseVmx(input, 'a.vmx');
    validateModel(readModel(document).model);
    if (Buffer.compare(printVmx(document), input) !== 0) throw new Error('It is printed otherwise.');
    const changed = edit(document, changes);
    const again = parseVmx(printVmx(changed), 'a.vmx');
    for (const [key, value] of changes)
      if ((getText(again, key) ?? null) !== value) throw new Error(`${key} is not what was written.`);
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BROKEN_MACHINE']);
});
