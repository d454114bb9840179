import { expect, it } from 'vitest';
import { Meter } from './meter.ts';

function meterAt() {
  const clock = { ms: 0 };
  return { clock, meter: new Meter(() => clock.ms) };
}

it('tells pictures and bytes a second since the last reading', () => {
  const { clock, meter } = meterAt();
  for (let frame = 0; frame < 10; frame += 1) {
    meter.received(1000);
    meter.sent(new Uint8Array([3, 1]));
  }
  clock.ms = 500;
  expect(meter.read()).toEqual({ frames: 20, bytes: 20_000, answerMs: undefined });
  clock.ms = 1500;
  expect(meter.read()).toMatchObject({ frames: 0, bytes: 0 });
});

it('tells the median time from an input to what comes next, and counts a burst once', () => {
  const { clock, meter } = meterAt();
  for (const ms of [30, 10, 20]) {
    meter.sent(new Uint8Array([4, 1]));
    clock.ms += ms;
    meter.sent(new Uint8Array([5, 0]));
    meter.received(1);
    meter.received(1);
  }
  expect(meter.read().answerMs).toBe(20);
});
