import { expect, it } from 'vitest';
import { SoundQueue } from './sound-queue.ts';

function pulled(queue: SoundQueue, frames: number): [number[], number[]] {
  const [left, right] = [new Float32Array(frames), new Float32Array(frames)];
  queue.pull(left, right);
  return [[...left].map((each) => each * 32_768), [...right].map((each) => each * 32_768)];
}

it('plays what it was given, across parts, each side by itself', () => {
  const queue = new SoundQueue(3, 100);
  queue.push(new Int16Array([1, -1, 2, -2]));
  queue.push(new Int16Array([3, -3]));
  expect(pulled(queue, 2)).toEqual([
    [1, 2],
    [-1, -2],
  ]);
  expect(pulled(queue, 2)).toEqual([
    [3, 0],
    [-3, 0],
  ]);
  expect(queue.length).toBe(0);
});

it('waits until there is enough, also after it has run dry', () => {
  const queue = new SoundQueue(2, 100);
  queue.push(new Int16Array([1, 1]));
  expect(pulled(queue, 1)[0]).toEqual([0]);
  queue.push(new Int16Array([2, 2]));
  expect(pulled(queue, 3)[0]).toEqual([1, 2, 0]);
  queue.push(new Int16Array([3, 3]));
  expect(pulled(queue, 1)[0]).toEqual([0]);
  expect(queue.length).toBe(1);
});

it('leaves out the oldest when it falls behind', () => {
  const queue = new SoundQueue(1, 3);
  for (let value = 1; value <= 5; value += 1) queue.push(new Int16Array([value, value]));
  expect(queue.length).toBe(3);
  expect(pulled(queue, 3)[0]).toEqual([3, 4, 5]);
});
