import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ImportMachine } from '../../src/api/import.ts';
import { importMachine } from '../../src/vm/import/import.ts';
import { discardUpload, listUploads } from '../../src/vm/import/upload.ts';
import { useAppliances } from '../support/appliances.ts';
import { guestAtLogin } from '../support/fake-engine/guest.ts';
import { useFileServer } from '../support/file-server.ts';
import type { OvaFile } from '../support/ova.ts';
import { like, refused, type Refused } from '../support/refused.ts';
import { sendFiles } from '../support/send-files.ts';
import { quiet } from '../support/world.ts';
import { archives, descriptors, otherDisks, vmdks, type Hostile } from './hostile-files.ts';

// A sample of each class of hostile files, through every door that takes files: all are refused with the reason, in little memory,
// and nothing is left behind.

const { world, machinesMade } = useAppliances();
const { serve } = useFileServer();
const place = () => join(world().home, 'old');

/** The most memory that this process has had, in KiB. Much of it is what runs the tests. */
const peak = () => process.resourceUsage().maxRSS;
const before = peak();

/** The refusal of an import, after which there is nothing, and which took little memory. */
async function attempt(path: string, request: Partial<ImportMachine> = {}): Promise<Refused> {
  const refusal = await refused(importMachine(world().host, { path, name: 'web', ...request }, quiet));
  expect(machinesMade()).toEqual([]);
  expect(peak() - before).toBeLessThan(150 * 1024);
  return refusal;
}

/** Puts files into a directory. @returns the path of the first one */
function put(files: readonly OvaFile[]): string {
  world().engines.guest = guestAtLogin;
  mkdirSync(place());
  for (const { name, content } of files) writeFileSync(join(place(), name), content);
  return join(place(), files[0]?.name ?? '');
}

/** The refusals of a file, and of the same as an upload, which stays only until it is discarded. */
async function refusals({ files }: Hostile): Promise<Refused[]> {
  const path = put(files);
  const there = readdirSync(place());
  const alone = await attempt(path);
  expect(readdirSync(place())).toEqual(there);
  const inFolder = files.length === 1 ? files : files.map((file) => ({ ...file, name: `d/${file.name}` }));
  const uploaded = await attempt(await sendFiles(world(), inFolder));
  for (const { id } of await listUploads(world().host)) await discardUpload(world().host, id);
  expect(readdirSync(world().host.names.uploads)).toEqual([]);
  return [alone, uploaded];
}

const badImage = ({ message }: Hostile) => ({ code: 'BAD_IMAGE', message: like(message) });

describe('a disk of VMware that', () => {
  it.each(vmdks)('$what is refused, alone and in a machine', async (hostile) => {
    expect(await refusals(hostile)).toMatchObject([badImage(hostile), badImage(hostile)]);
    const vmx = join(place(), 'm.vmx');
    const disk = 'nvme0.present = "TRUE"\nnvme0:0.present = "TRUE"\nnvme0:0.fileName = "d.vmdk"\n';
    writeFileSync(
      vmx,
      `config.version = "8"\nvirtualHW.version = "20"\nguestOS = "arm-other-64"\nmemsize = "64"\n${disk}`,
    );
    for (const disks of ['inPlace', 'convert'] as const)
      expect(await attempt(vmx, { disks })).toMatchObject(badImage(hostile));
  });
});

describe('a disk that', () => {
  it.each(otherDisks)('$what is refused', async (hostile) => {
    expect(await refusals(hostile)).toMatchObject([badImage(hostile), badImage(hostile)]);
  });

  it.each([
    ['another file', ['-b', '/etc/passwd', '-F', 'raw'], /\/etc\/passwd/],
    ['json:', ['-b', 'json:{"driver":"null-co"}', '-F', 'raw'], /json:/],
    ['a data file', ['-o', 'data_file=/tmp/kame-attack-data'], /kame-attack-data/],
  ])('is a qcow2 on %s is refused', async (_what, options, message) => {
    const path = put([{ name: 'd.qcow2', content: Buffer.alloc(0) }]);
    execFileSync('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', ...options, path, '64M']);
    rmSync('/tmp/kame-attack-data', { force: true });
    expect(await attempt(path)).toMatchObject({ code: 'BAD_IMAGE', message: like(message) });
  });

  it('is a device, a pipe or a link to one is refused, and not waited for', async () => {
    const pipe = put([{ name: 'other', content: Buffer.alloc(0) }]).replace('other', 'd.vmdk');
    execFileSync('mkfifo', [pipe]);
    symlinkSync('/dev/zero', join(place(), 'd.vdi'));
    for (const path of [pipe, join(place(), 'd.vdi')])
      expect(await attempt(path)).toMatchObject({ code: 'BAD_IMAGE', message: like(/not a regular file/) });
  });
});

describe('an appliance that', () => {
  it.each(archives)('$what is refused', async (hostile) => {
    expect(await refusals(hostile)).toMatchObject([badImage(hostile), badImage(hostile)]);
  });

  it.each(descriptors)('$what is refused, beside its files and at a URL', async (hostile) => {
    const message = like(hostile.message);
    expect(await refusals(hostile)).toMatchObject([{ message }, { message }]);
    const { at } = await serve(hostile.files);
    expect(await attempt(`${at}/web.ovf`)).toMatchObject({ message });
  });

  it('has a descriptor of 100 MB is refused before it is read whole', async () => {
    const path = put([{ name: 'web.ovf', content: Buffer.from('<Envelope ') }]);
    truncateSync(path, 100 * 1024 ** 2);
    expect(await attempt(path)).toMatchObject({ code: 'BAD_IMAGE', message: like(/has more than/) });
  });
});
