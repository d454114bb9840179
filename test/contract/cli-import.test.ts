import { describe, expect, it } from 'vitest';
import { daemon, run, useDaemon } from './cli-run.ts';
import { demo, demoDetails } from './cli-samples.ts';
import { json } from './cli-support.ts';

useDaemon();

const path = encodeURIComponent(demo.path);
const report = {
  name: 'web',
  source: '/old/web.vmx',
  disks: [{ slot: 'scsi0:0', path: '/old/web.vmdk', sizeBytes: 2 ** 31, inPlace: true }],
  eulas: [],
  notes: ['The drive sata0:1 is empty: \u001b[31mevil.iso stays with the original.'],
};

describe('kame import', () => {
  it('shows with --dry-run what the new machine would lack, without control characters', async () => {
    daemon.on('POST /v1/machines/import/report', json(report));
    const { code, stdout } = await run(['import', '/old/web.vmx', 'web', '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toContain(
      'web would be imported from /old/web.vmx\n  scsi0:0  2 GiB  /old/web.vmdk, used in place\n',
    );
    expect(stdout).toContain('note: The drive sata0:1 is empty');
    expect(stdout).not.toContain('\u001b');
    const asJson = await run(['import', '/old/web.vmx', '--dry-run', '--json']);
    expect(JSON.parse(asJson.stdout)).toEqual(report);
  });

  it('asks for disks in place or copies, and not for both', async () => {
    daemon.on('POST /v1/machines/import/report', json(report));
    const asked = async (...flags: string[]) =>
      (await run(['import', '/old/web.vmx', '--dry-run', ...flags])).code;
    expect([await asked('--in-place'), await asked('--convert')]).toEqual([0, 0]);
    expect(daemon.requests.map(({ body }) => (body as { disks?: string }).disks)).toEqual([
      'inPlace',
      'convert',
    ]);
    expect(await asked('--in-place', '--convert')).toBe(2);
    expect((await run(['import', '-', '--in-place'])).code).toBe(2);
  });

  it('deletes with --undo, and does not ask if told so', async () => {
    daemon.on('GET /v1/machines/demo', json(demoDetails));
    daemon.on(`POST /v1/machines/${path}/undo-import`, json({ ok: true, kept: [] }));
    expect((await run(['import', '--undo', 'demo'])).code).not.toBe(0);
    expect((await run(['import', '--undo', 'demo', '--yes'])).stdout).toContain('its original is as it was');
    expect((await run(['import', '--undo', 'demo', 'other', '--yes'])).code).toBe(2);
  });
});
