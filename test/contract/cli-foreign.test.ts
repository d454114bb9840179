import { describe, expect, it } from 'vitest';
import { daemon, run, useDaemon } from './cli-run.ts';
import { demo, demoDetails } from './cli-samples.ts';
import { json } from './cli-support.ts';

useDaemon();

describe('a machine from elsewhere', () => {
  it('shows devices that the guest does not get, and says so', async () => {
    const floppies = [
      { device: 'floppy0', path: '/k/boot.flp', attached: true },
      { device: 'floppy1', path: '/a.flp', attached: false },
    ];
    const ports = [
      { device: 'serial0', kind: 'pipe', path: '\\\\.\\pipe\\com1' },
      { device: 'serial1', kind: 'device', path: '' },
      { device: 'parallel0', kind: 'file', path: 'out.prn' },
    ];
    const nics = [
      {
        device: 'ethernet0',
        model: 'vlance',
        connection: 'pvn',
        network: 'segment:db',
        mac: '00:0c:29:00:00:01',
      },
    ];
    daemon.on('GET /v1/machines/demo', json({ ...demoDetails, floppies, ports, nics }));
    const { stdout } = await run(['show', 'demo']);
    const rows = stdout.split('\n').map((line) => line.replace(/ {2,}/, ': '));
    expect(rows).toEqual(
      expect.arrayContaining([
        'floppy0: /k/boot.flp',
        'floppy1: /a.flp, not attached',
        'serial0: pipe, \\\\.\\pipe\\com1, not connected',
        'serial1: device, not connected',
        'parallel0: file, out.prn, not connected',
        'ethernet0: vlance, segment:db (LAN segment), 00:0c:29:00:00:01',
      ]),
    );
  });

  it('says at register what a machine from elsewhere lacks', async () => {
    daemon.on('POST /v1/machines/register', json(demoDetails));
    const { stdout, stderr } = await run(['register', 'x.vmwarevm']);
    expect(stdout).toBe(`demo was registered: ${demo.path}\n`);
    expect(stderr).toContain('demo: warning: is not known\n');
  });
});
