import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dhcpMessage } from '../../../test/support/frames.ts';
import { addressOption, dhcpReply, readDhcpRequest } from './dhcp-message.ts';

const client = '52:54:00:00:00:0a';
const discover = dhcpMessage({ type: 1, client, requested: '192.168.77.9', broadcast: true });

describe('a DHCP request', () => {
  it('is read', () => {
    const request = readDhcpRequest(discover);
    expect(request).toMatchObject({
      type: 1,
      transaction: 0xdead_beef,
      broadcast: true,
      mac: 0x5254_0000_000a,
    });
    expect(request && addressOption(request, 50)).toBe(0xc0a8_4d09);
    expect(request && addressOption(request, 54)).toBeUndefined();
  });

  it.each([
    ['is cut', discover.subarray(0, 239)],
    ['has an option that is cut', Buffer.concat([discover.subarray(0, 240), Buffer.from([53, 1])])],
    ['is BOOTP', Buffer.concat([discover.subarray(0, 240), Buffer.from([255])])],
    ['is an answer', Buffer.from(discover).fill(2, 0, 1)],
    ['is not of Ethernet', Buffer.from(discover).fill(7, 1, 2)],
    ['has no magic cookie', Buffer.from(discover).fill(0, 236, 237)],
  ])('that %s is malformed', (_what, bytes) => expect(readDhcpRequest(bytes)).toBeUndefined());

  it('is never an error, whatever options it contains', () => {
    assert(
      property(uint8Array({ maxLength: 200 }), (options) => {
        readDhcpRequest(Buffer.concat([discover.subarray(0, 240), options]));
      }),
    );
  });

  it('is answered with at least the bytes of BOOTP', () => {
    const request = readDhcpRequest(discover);
    const options = [[53, Buffer.from([2])]] as const;
    const reply = {
      type: 2,
      yourAddress: 0x0a00_0001,
      nextServer: 0x0a00_0002,
      bootFile: 'boot.efi',
      options,
    };
    const bytes = request ? dhcpReply(request, reply) : Buffer.alloc(0);
    expect(bytes.length).toBe(300);
    expect(bytes.toString('hex', 0, 34)).toBe(
      '02010600deadbeef00008000000000000a0000010a0000020000000052540000000a',
    );
    expect(bytes.toString('latin1', 108, 116)).toBe('boot.efi');
    expect(bytes.toString('hex', 236, 244)).toBe('63825363350102ff');
  });
});
