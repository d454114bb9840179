import { describe, expect, it } from 'vitest';
import { framesIn, SoundTrack, type SoundPart } from './track.ts';

const second = framesIn(1000);
const sound = (frames: number, byte = 1) => Buffer.alloc(4 * frames, byte);

/** Parts with their sounds as text: to compare long ones byte by byte takes seconds. */
const texts = (parts: readonly SoundPart[]) =>
  parts.map((part) => ('sound' in part ? part.sound.toString('latin1') : part.silence));

describe('SoundTrack', () => {
  it('puts the silence where the guest played nothing', async () => {
    const track = new SoundTrack(10 * second);
    track.begin(1000);
    track.add(sound(second));
    track.begin(3500);
    track.add(sound(second, 2));
    const expected = [
      { silence: second },
      { sound: sound(second) },
      { silence: 1.5 * second },
      { sound: sound(second, 2) },
    ];
    expect(texts(await track.take())).toEqual(texts(expected));
    track.end(5000);
    expect(await track.take()).toEqual([{ silence: second / 2 }]);
    expect(await track.take()).toEqual([]);
    expect([track.frames, track.silent, track.dropped]).toEqual([5 * second, 3 * second, 0]);
  });

  it('takes a piece that is a little late for one that follows', async () => {
    const track = new SoundTrack(10 * second);
    track.begin(40);
    track.add(sound(10));
    track.end(0);
    expect(await track.take()).toEqual([{ sound: sound(10) }]);
  });

  it('becomes no longer than it may', async () => {
    const track = new SoundTrack(second);
    track.add(sound(second - 1));
    track.add(sound(5));
    track.add(sound(5));
    expect(track.isFull).toBe(true);
    track.begin(9000);
    track.end(9000);
    expect(texts(await track.take())).toEqual(texts([{ sound: sound(second - 1) }, { sound: sound(1) }]));
    expect(track.frames).toBe(second);
  });

  it('keeps the time, not the sound, while its client is too slow', async () => {
    const track = new SoundTrack(10 * second, 400);
    track.add(sound(100));
    track.add(sound(50));
    track.add(sound(7));
    expect(await track.take()).toEqual([{ sound: sound(100) }, { silence: 57 }]);
    track.add(sound(100, 2));
    expect(await track.take()).toEqual([{ sound: sound(100, 2) }]);
    expect([track.frames, track.silent, track.dropped]).toEqual([257, 0, 57]);
  });

  it('hands out what comes while somebody waits', async () => {
    const track = new SoundTrack(second);
    const taken = track.take();
    track.add(sound(3));
    expect(await taken).toEqual([{ sound: sound(3) }]);
  });
});
