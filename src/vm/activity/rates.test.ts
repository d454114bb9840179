import { describe, expect, it } from 'vitest';
import { sampleBetween, type EngineReading, type Reading } from './rates.ts';

const engine = (more: Partial<EngineReading> = {}): EngineReading => ({
  id: 'a',
  name: 'demo',
  pid: 7,
  cpuMs: 1000,
  residentBytes: 100,
  privateBytes: 50,
  configuredBytes: 512,
  disks: { readBytes: 1000, writtenBytes: 0 },
  traffic: { receivedBytes: 0, sentBytes: 10 },
  ...more,
});
const reading = (more: Partial<Reading> = {}): Reading => ({
  atMs: 0,
  busyMs: 0,
  cpuCount: 2,
  memoryBytes: 4096,
  freeBytes: 1024,
  counters: { disks: { readBytes: 0, writtenBytes: 0 }, network: null },
  energy: new Map([['intel-rapl:0', { microjoules: 1_000_000, wrapsAt: 10_000_000 }]]),
  engines: [engine()],
  ...more,
});
const at = '2026-11-29T09:00:00.000Z';

describe('a sample of activity', () => {
  it('has what was used a second', () => {
    const now = reading({
      atMs: 2000,
      busyMs: 3000,
      counters: { disks: { readBytes: 8000, writtenBytes: 4000 }, network: null },
      energy: new Map([['intel-rapl:0', { microjoules: 21_000_000, wrapsAt: 40_000_000 }]]),
      engines: [
        engine({
          cpuMs: 4000,
          disks: { readBytes: 5000, writtenBytes: 100 },
          traffic: { receivedBytes: 2000, sentBytes: 30 },
        }),
      ],
    });
    expect(sampleBetween(reading(), now, at)).toEqual({
      at,
      host: {
        cpus: 1.5,
        cpuCount: 2,
        memoryBytes: 4096,
        freeBytes: 1024,
        readBytesPerSecond: 4000,
        writtenBytesPerSecond: 2000,
        receivedBytesPerSecond: null,
        sentBytesPerSecond: null,
        watts: 10,
        wattsLack: null,
      },
      machines: [
        {
          id: 'a',
          name: 'demo',
          cpus: 1.5,
          residentBytes: 100,
          privateBytes: 50,
          configuredBytes: 512,
          readBytesPerSecond: 2000,
          writtenBytesPerSecond: 50,
          receivedBytesPerSecond: 1000,
          sentBytesPerSecond: 10,
        },
      ],
    });
  });

  it('says nothing of an engine that is new, or a counter that began again', () => {
    const restarted = reading({ atMs: 2000, engines: [engine({ pid: 8, cpuMs: 10 })] });
    expect(sampleBetween(reading(), restarted, at).machines[0]).toMatchObject({
      cpus: 0,
      readBytesPerSecond: null,
    });
    const reset = reading({
      atMs: 2000,
      engines: [engine({ cpuMs: 0, disks: { readBytes: 0, writtenBytes: 0 } })],
    });
    expect(sampleBetween(reading(), reset, at).machines[0]).toMatchObject({ cpus: 0, readBytesPerSecond: 0 });
  });

  it('says why nothing is known of the energy', () => {
    const { host } = sampleBetween(reading(), reading({ atMs: 2000, energy: 'only-root' }), at);
    expect(host).toMatchObject({ watts: null, wattsLack: 'only-root' });
  });

  it('never says more processors than there are, nor divides by no time', () => {
    const now = reading({ atMs: 1, busyMs: 1e9 });
    expect(sampleBetween(reading(), now, at).host.cpus).toBe(2);
    expect(sampleBetween(reading(), reading({ busyMs: 5 }), at).host.cpus).toBe(0);
  });
});
