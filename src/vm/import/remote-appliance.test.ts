import { describe, expect, it } from 'vitest';
import { descriptor, disk, manifest, text, useAppliances } from '../../../test/support/appliances.ts';
import { diskHas } from '../../../test/support/disk-content.ts';
import { guestAtLogin } from '../../../test/support/fake-engine/guest.ts';
import { useFileServer, type FileAnswer } from '../../../test/support/file-server.ts';
import { manifestOf, ovf, type OvaFile } from '../../../test/support/ova.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet } from '../../../test/support/world.ts';
import type { ImportMachine } from '../../api/import.ts';
import { importMachine, reportImport } from './import.ts';

const { world, machinesMade, copyOf, diskOf } = useAppliances();
const { serve } = useFileServer();

/** Serves files below /a. @returns the URL of the descriptor, and what was asked for */
async function serveOvf(files: readonly OvaFile[], otherwise?: FileAnswer) {
  const { asked, at } = await serve(files, otherwise);
  world().engines.guest = guestAtLogin;
  return { asked, at: `${at}/web.ovf` };
}

const run = async (path: string, request: Partial<ImportMachine> = {}) =>
  await importMachine(world().host, { path, name: 'web', ...request }, quiet);

async function refusal(path: string) {
  const answer = await refused(run(path));
  expect(machinesMade()).toEqual([]);
  return answer;
}

describe('a descriptor at a URL', () => {
  it('is imported with the files beside it, which its manifest verifies', async () => {
    const files = [descriptor(), disk];
    const { at, asked } = await serveOvf([...files, manifest(files)]);
    const { report } = await run(`${at}?token=x`);
    expect(asked).toEqual(['/a/web.ovf?token=x', '/a/web.mf', '/a/web.cert', '/a/web-disk1.vmdk']);
    expect(report.source).toBe(at);
    expect(diskHas(diskOf('web'), 7)).toBe(true);
    expect(copyOf('web').read('web.vmx')).toContain(`kame.importedFrom = "${at}"`);
  });

  it('needs no manifest, and a dry run reads nothing but the descriptor', async () => {
    const { at, asked } = await serveOvf([descriptor(), disk], (response) => response.writeHead(403).end());
    await reportImport(world().host, { path: at, name: 'web' }, quiet);
    expect(asked).toEqual(['/a/web.ovf']);
    await run(at);
    expect(diskHas(diskOf('web'), 7)).toBe(true);
  });

  it('may lead to another place on the server, and its disks too', async () => {
    const { at } = await serveOvf([disk], (response, path) => {
      if (path === '/b/web.ovf') response.end(ovf());
      else if (path === '/a/web.ovf') response.writeHead(302, { location: '/b/web.ovf' }).end();
      else response.writeHead(404).end();
    });
    await run(at);
    expect(diskHas(diskOf('web'), 7)).toBe(true);
  });

  const lying = {
    name: 'web.mf',
    content: manifestOf([descriptor(), { ...disk, content: Buffer.from('x') }]),
  };

  it.each<[string, readonly OvaFile[], string, RegExp]>([
    ['whose manifest lies', [descriptor(), disk, lying], 'CHECKSUM_MISMATCH', /does not fit/],
    ['without its disk', [descriptor()], 'DOWNLOAD_FAILED', /web-disk1\.vmdk could not be .* 404/],
    ['that is not there', [disk], 'DOWNLOAD_FAILED', /web\.ovf could not be .* 404/],
    [
      'that refers to another server',
      [text('web.ovf', ovf().replace('href="web-disk1.vmdk"', 'href="https://b.test/d.vmdk"')), disk],
      'BAD_IMAGE',
      /"https:\/\/b\.test\/d\.vmdk", which is not a plain file name/,
    ],
    [
      'that refers to another directory',
      [text('web.ovf', ovf().replace('href="web-disk1.vmdk"', 'href="../d.vmdk"')), disk],
      'BAD_IMAGE',
      /not a plain file name/,
    ],
    [
      'whose disk is cut',
      [descriptor(), { ...disk, content: disk.content.subarray(0, -1000) }],
      'BAD_IMAGE',
      /truncated|ends/,
    ],
  ])('%s is refused, and leaves nothing', async (_what, files, code, message) => {
    expect(await refusal((await serveOvf(files)).at)).toMatchObject({ code, message: like(message) });
  });

  it('that is too large is refused before it is read whole', async () => {
    const { at } = await serveOvf([], (response) => {
      const more = (): void =>
        void response.write(Buffer.alloc(1024 * 1024, ' '), (error) => error ?? more());
      more();
    });
    expect(await refusal(at)).toMatchObject({ code: 'BAD_IMAGE', message: like(/has more than/) });
  });

  it('over plain http from another computer is refused, with a checksum too', async () => {
    const url = `http://a.test/web.ovf#sha256=${'a'.repeat(64)}`;
    expect(await refusal(url)).toMatchObject({ code: 'DOWNLOAD_FAILED', next: like(/https, or an \.ova/) });
  });
});
