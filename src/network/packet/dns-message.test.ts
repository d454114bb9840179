import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dnsQuestion } from '../../../test/support/frames.ts';
import { dnsReply, readDnsQuery } from './dns-message.ts';

describe('a DNS query', () => {
  it('is read with its name in lower case', () => {
    expect(readDnsQuery(dnsQuestion({ name: 'WeB.Kame', type: 28, edns: true }))).toMatchObject({
      id: 0xcafe,
      opcode: 0,
      name: 'web.kame',
      type: 28,
      extended: true,
      recursionDesired: true,
    });
  });

  it.each([
    ['an answer', 'cafe81000001000000000000037765620000010001'],
    ['two questions', 'cafe01000002000000000000037765620000010001037765620000010001'],
    ['no question', 'cafe01000000000000000000'],
    ['a pointer in the name', 'cafe01000001000000000000c00c00010001'],
    ['a name without an end', `cafe01000001000000000000${'0161'.repeat(200)}00010001`],
    ['a label that is cut', 'cafe01000001000000000000076161'],
    ['a dot in a label', 'cafe0100000100000000000003612e620000010001'],
    ['another class', 'cafe01000001000000000000016100000100030'],
    ['no type', 'cafe010000010000000000000161000001'],
    ['half a header', 'cafe0100'],
  ])('is malformed with %s', (_what, hex) => expect(readDnsQuery(Buffer.from(hex, 'hex'))).toBeUndefined());

  it('is never an error, whatever it contains', () => {
    assert(property(uint8Array({ maxLength: 300 }), (bytes) => void readDnsQuery(Buffer.from(bytes))));
  });

  it('is answered with the question exactly as it was asked', () => {
    const bytes = dnsQuestion({ name: 'WEB.kame', edns: true });
    const query = readDnsQuery(bytes);
    const data = Buffer.from('c0a84d0a', 'hex');
    const answer = { code: 0, records: [{ type: 1, data }], ttl: 10, authoritative: true };
    expect(query && dnsReply(query, answer).toString('hex')).toBe(
      [
        'cafe85800001000100000001',
        '03574542046b616d650000010001',
        'c00c000100010000000a0004c0a84d0a',
        '00002904d0000000000000',
      ].join(''),
    );
  });
});
