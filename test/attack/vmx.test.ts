import { expect, it } from 'vitest';
import { readModel } from '../../src/model/read.ts';
import { validateModel } from '../../src/model/validate.ts';
import { parseVmx, printVmx } from '../../src/vmx/document.ts';
import { readSnapshots } from '../../src/vmx/snapshots.ts';
import { fuzz } from './fuzz.ts';
import { vmsdCorpus, vmxCorpus } from './samples.ts';

it('any .vmx is read to a model, and printed as it was', async () => {
  const { read, refused } = await fuzz(vmxCorpus, (input) => {
    const document = parseVmx(input, 'a.vmx');
    validateModel(readModel(document).model);
    if (Buffer.compare(printVmx(document), input) !== 0) throw new Error('It is printed otherwise.');
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BROKEN_MACHINE']);
});

it('any .vmsd is read to a tree of snapshots', async () => {
  const { read, refused } = await fuzz(vmsdCorpus, (input) => readSnapshots(parseVmx(input, 'a.vmsd')));
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BROKEN_MACHINE']);
});
