import { SoundQueue } from './sound-queue.ts';

/** The parts of an AudioWorkletGlobalScope that are used; the types of browsers lack them. */
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: new () => Processor): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

interface Processor {
  process(inputs: unknown, outputs: readonly (readonly Float32Array[])[]): boolean;
}

/** Seconds of sound that must have come before it is played, and that may wait. */
const [firstSeconds, mostSeconds] = [0.08, 0.5];

/** Plays what it is sent, in the thread of the sound. */
class GuestSound extends AudioWorkletProcessor implements Processor {
  readonly #queue = new SoundQueue(firstSeconds * sampleRate, mostSeconds * sampleRate);

  constructor() {
    super();
    this.port.addEventListener('message', ({ data }: MessageEvent<Int16Array>) => this.#queue.push(data));
    this.port.start();
  }

  process(_inputs: unknown, [output]: readonly (readonly Float32Array[])[]): boolean {
    const [left, right] = output ?? [];
    if (left && right) this.#queue.pull(left, right);
    return true;
  }
}

registerProcessor('guest-sound', GuestSound);
