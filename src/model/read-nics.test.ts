import { describe, expect, it } from 'vitest';
import { readKeys } from '../../test/support/read-keys.ts';
import { keysWith } from '../../test/support/vmx-text.ts';
import { noShape } from './link-shape.ts';
import { readModel } from './read.ts';
import { createDocument } from './write.ts';

describe('a network adapter', () => {
  const card = { 'ethernet0.present': 'TRUE' };

  it.each([
    ['winxppro', 'vlance', 'buslogic'],
    ['windows7-64', 'e1000', 'lsilogic'],
    ['arm-debian12-64', 'e1000e', 'lsilogic'],
  ])('of %s without a model is a %s, and a SCSI controller a %s', (guestOS, nic, scsi) => {
    const { model, problems } = readKeys({ guestOS, ...card, 'scsi0.present': 'TRUE' });
    expect([model.nics[0]?.model, model.controllers[0]?.model]).toEqual([nic, scsi]);
    expect(problems).toEqual([]);
  });

  it('in a LAN segment has its id, and without one is alone', () => {
    const segment = { ...card, 'ethernet0.connectionType': 'PVN', 'ethernet0.pvnID': ' 52 C1-00 ' };
    const { model, problems } = readKeys(segment);
    expect(model.nics[0]).toMatchObject({ connection: 'pvn', segment: '52 C1-00' });
    expect(problems).toEqual([]);
    const alone = readKeys({ ...card, 'ethernet0.connectionType': 'pvn' });
    expect(alone.model.nics[0]).not.toHaveProperty('segment');
    expect(alone.problems).toMatchObject([
      { severity: 'warning', key: 'ethernet0.pvnID', message: expect.stringContaining('is alone') as string },
    ]);
  });

  it('has the limits, losses and latencies that VMware gave it', () => {
    const { model, problems } = readKeys({
      ...card,
      'ethernet0.connectionType': 'nat',
      'ethernet0.rxbw.limit': '10000',
      'ethernet0.rxfi.droprate': '15',
      'ethernet0.rxfi.dropsize': '1',
      'ethernet0.txlatency.latency': '20',
      'ethernet0.txbw.limit': '-1',
      'ethernet0.linkStatePropagation.enable': 'TRUE',
    });
    expect(problems).toEqual([]);
    expect(model.nics[0]).toMatchObject({
      shape: {
        receive: { bitsPerSecond: 10_000_000, lossPerMille: 15, latencyMs: 0 },
        transmit: { bitsPerSecond: null, lossPerMille: 0, latencyMs: 20 },
      },
      linkStatePropagation: true,
    });
  });

  it('with a limit that no adapter can have is not limited', () => {
    const { model, problems } = readKeys({
      ...card,
      'ethernet0.connectionType': 'nat',
      'ethernet0.rxfi.droprate': '1001',
      'kame.ethernet0.port': '4',
    });
    expect(model.nics[0]?.shape).toEqual(noShape);
    expect(model.nics[0]).not.toHaveProperty('port');
    expect(keysWith(problems)).toEqual(['warning ethernet0.rxfi.droprate', 'warning kame.ethernet0.port']);
  });

  it('in a network that Kame does not know keeps it', () => {
    const { model, problems } = readKeys({ ...card, 'ethernet0.connectionType': 'remote' });
    expect(model.nics[0]).toMatchObject({ connection: 'unknown', connectionText: 'remote' });
    expect(problems[0]?.message).toContain('is "remote", which Kame does not know. Before it starts');
    expect(readModel(createDocument(model)).model.nics).toEqual(model.nics);
  });
});
