import { describe, expect, it } from 'vitest';
import { formatBandwidth, formatLoss, parseBandwidth, parseLatency, parseLoss } from './link-units.ts';

describe('the traffic of an adapter', () => {
  it.each([
    ['1%', 10],
    ['0.5 %', 5],
    ['100%', 1000],
    ['0%', 0],
  ])('loses %s, which is %d thousandths', (text, value) => {
    expect(parseLoss(text, '--loss')).toBe(value);
  });

  it.each([
    ['20ms', 20],
    ['1s', 1000],
    ['0.5s', 500],
    ['0ms', 0],
  ])('waits %s, which is %d ms', (text, value) => {
    expect(parseLatency(text, '--latency')).toBe(value);
  });

  it.each([
    ['10mbit', 10_000_000],
    ['1.5Gbit/s', 1_500_000_000],
    ['56kbps', 56_000],
    ['none', null],
  ])('is limited to %s', (text, value) => {
    expect(parseBandwidth(text, '--bandwidth')).toBe(value);
  });

  it.each(['1', '101%', '-1%', '0.55%', 'x%', ''])('cannot lose %j', (text) => {
    expect(() => parseLoss(text, '--loss')).toThrow(`--loss is "${text}", which is not a percentage`);
  });

  it.each(['20', '11s', '-1ms', '0.5ms', ''])('cannot wait %j', (text) => {
    expect(() => parseLatency(text, '--latency')).toThrow(`--latency is "${text}", which is not a time`);
  });

  it.each(['10', '10 megabytes', '0kbit', '101gbit', '1e3kbit', ''])('cannot be limited to %j', (text) => {
    expect(() => parseBandwidth(text, '--bandwidth')).toThrow(`is "${text}", which is not a rate`);
  });

  it('is shown as it is written', () => {
    expect([1_500_000_000, 10_000_000, 56_000].map(formatBandwidth)).toEqual([
      '1.5 Gbit/s',
      '10 Mbit/s',
      '56 kbit/s',
    ]);
    expect([10, 5].map(formatLoss)).toEqual(['1 %', '0.5 %']);
  });
});
