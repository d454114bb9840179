import { expect, it } from 'vitest';
import { readDescriptor } from '../../src/ovf/descriptor.ts';
import { machineOf } from '../../src/ovf/machine.ts';
import { parseManifest } from '../../src/ovf/manifest.ts';
import { parseXml } from '../../src/ovf/xml.ts';
import { openVmdkStream } from '../../src/disk/vmdk/stream-disk.ts';
import { readModel } from '../../src/model/read.ts';
import { createDocument } from '../../src/model/write.ts';
import { ByteSource } from '../../src/sys/byte-source.ts';
import { inlineInflater } from '../support/inline-inflater.ts';
import { refused } from '../support/refused.ts';
import { fuzz } from './fuzz.ts';
import { manifestCorpus, ovfCorpus, streamCorpus } from './ovf-samples.ts';

const names = { name: 'web', uuid: '564d0011-2233-4455-6677-8899aabbccdd', networks: new Map() };
it('makes a machine of any descriptor, or refuses it', async () => {
  const { read, refused: codes } = await fuzz(ovfCorpus, (input) => {
    const appliance = readDescriptor('web.ovf', input);
    for (const { href } of appliance.files.values())
      if (/[/\\]|^\.\.?$/.test(href)) throw new Error(`It has the file ${href}`);
    const { model } = machineOf('web.ovf', appliance, names);
    if (model.cpus > 0 && model.memoryMiB < 2 ** 40) readModel(createDocument(model));
  });
  expect(read).toBeGreaterThan(0);
  expect([...codes.keys()]).toEqual(['BAD_IMAGE']);
});

it('reads any manifest, or refuses it', async () => {
  const { read, refused: codes } = await fuzz(manifestCorpus, (input) => parseManifest('web.mf', input));
  expect(read).toBeGreaterThan(0);
  expect([...codes.keys()]).toEqual(['CHECKSUM_MISMATCH']);
});

it('reads any stream of grains to its end, or refuses it', async () => {
  async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
    yield await Promise.resolve(bytes);
  }
  const { read, refused: codes } = await fuzz(streamCorpus, async (input) => {
    await using disk = await openVmdkStream('disk', new ByteSource(once(input)), inlineInflater);
    for await (const { offset, data } of disk.blocks())
      if (offset + data.length > disk.size) throw new Error('It has a block beyond its end.');
  });
  expect(read).toBeGreaterThan(0);
  expect([...codes.keys()]).toEqual(['BAD_IMAGE']);
});

const envelope = '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1">';

it.each([
  ['nested 10,000 deep', () => `${envelope}${'<a>'.repeat(10_000)}`, /nested more than 64 deep/],
  ['100 MB of attributes', () => `<Envelope ${'a="b" '.repeat(16_000_000)}>`, /the limit is/],
  [
    'many attributes',
    () => `<Envelope ${Array.from({ length: 300 }, (_none, at) => `a${at}="b"`).join(' ')}/>`,
    /more than 256 attributes/,
  ],
  ['many elements', () => `${envelope}${'<a/>'.repeat(60_000)}</Envelope>`, /more than 50000 elements/],
  ['entities', () => `<!DOCTYPE a [<!ENTITY b "c">]>${envelope}&b;</Envelope>`, /document type/],
  ['an unknown entity', () => `${envelope}&b;</Envelope>`, /undefined entity/],
  [
    'an external entity',
    () => `<!DOCTYPE a SYSTEM "file:///etc/passwd">${envelope}</Envelope>`,
    /document type/,
  ],
  ['text that is not UTF-8', () => Buffer.from([0x3c, 0xff, 0x3e]), /not valid UTF-8/],
  ['no end', () => envelope, /unclosed tag/],
])('refuses XML with %s', async (_what, make, message) => {
  const bytes = Buffer.from(make());
  const started = process.memoryUsage().heapUsed;
  const error = await refused(Promise.resolve().then(() => parseXml('web.ovf', bytes)));
  expect(error).toMatchObject({ code: 'BAD_IMAGE', message: expect.stringMatching(message) as string });
  expect(process.memoryUsage().heapUsed - started).toBeLessThan(100 * 1024 ** 2);
});
