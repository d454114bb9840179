import { describe, expect, it } from 'vitest';
import { wavHeader } from './wav.ts';

const format = { rate: 44_100, channels: 2, sampleBits: 16 };

describe('the header of a WAV file', () => {
  it('tells the format and the size', () => {
    expect(wavHeader(format, 8).toString('hex')).toBe(
      [
        '52494646',
        '2c000000',
        '57415645666d7420',
        '10000000',
        '01000200',
        '44ac0000',
        '10b10200',
        '04001000',
        '64617461',
        '08000000',
      ].join(''),
    );
  });

  it('says that the size is not known', () => {
    const header = wavHeader(format);
    expect([header.readUInt32LE(4), header.readUInt32LE(40)]).toEqual([0xffff_ffff, 0xffff_ffff]);
  });
});
