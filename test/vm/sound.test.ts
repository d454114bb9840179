import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import { guestTest, tinyGuest } from '../support/guest-test.ts';
import { buildTone } from '../support/tone.ts';

const it = guestTest({
  ...tinyGuest,
  name: 'tiny-sound',
  create: [...tinyGuest.create, '--set', 'sound=on'],
});
const wavHeaderBytes = 44;

/** The median number of frames from one rising zero crossing to the next, which a gap does not change. */
function period(samples: Buffer): number {
  const left = (frame: number) => samples.readInt16LE(4 * frame);
  const rising: number[] = [];
  for (let frame = 1; frame < samples.length / 4; frame += 1)
    if (left(frame - 1) < 0 && left(frame) >= 0) rising.push(frame);
  const periods = rising.slice(1).map((at, before) => at - (rising[before] as number));
  return periods.toSorted((a, b) => a - b)[Math.floor(periods.length / 2)] ?? 0;
}

describe('the sound of a guest', () => {
  it('is recorded as it is played, and a checkpoint is possible', async ({ home, demo }) => {
    const program = join(home.path, 'tone');
    buildTone(program, (await demo.details()).arch ?? '');
    await home.kame(['copy', program, `${demo.name}:/root/tone`]);
    const file = join(home.path, 'demo.wav');
    const recording = home.begin(['sound', demo.name, file]);
    const begun = async () => (await stat(file).catch(() => undefined))?.size || undefined;
    expect(await poll(begun, { deadlineMs: 20_000 })).toBe(wavHeaderBytes);
    expect((await demo.exec('/root/tone')).code).toBe(0);
    recording.kill('SIGINT');
    expect(await recording.ended).toBe(0);
    const wav = await readFile(file);
    expect(wav.readUInt32LE(40)).toBe(wav.length - wavHeaderBytes);
    // 44,100 frames a second, 440 periods.
    expect(period(wav.subarray(wavHeaderBytes))).toBe(100);
    await demo.take('with sound');
  });
});
