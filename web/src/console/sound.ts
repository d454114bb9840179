import { client } from '../data/client.ts';
// oxlint-disable-next-line import/default -- Vite makes it: the address of a file with the worklet and what it imports.
import workletUrl from './sound-worklet.ts?worker&url';

/** Whole samples, which are little endian as those of all browsers' hosts are; the message may begin anywhere in memory. */
function samplesOf(data: Uint8Array): Int16Array {
  const copy = data.slice();
  return new Int16Array(copy.buffer, 0, Math.floor(copy.length / 2));
}

/**
 * Plays what a guest plays, until the signal.
 * @param playing called when the guest's sound comes in
 * @throws KameError as `machines.sound`
 */
export async function playSound(machine: string, playing: () => void, signal: AbortSignal): Promise<void> {
  let context: AudioContext | undefined;
  let node: AudioWorkletNode | undefined;
  try {
    await client.machines.sound(
      machine,
      {},
      {
        signal,
        format: async ({ rate }) => {
          context = new AudioContext({ sampleRate: rate, latencyHint: 'interactive' });
          await context.audioWorklet.addModule(workletUrl);
          node = new AudioWorkletNode(context, 'guest-sound', { numberOfInputs: 0, outputChannelCount: [2] });
          node.connect(context.destination);
          await context.resume();
          playing();
        },
        output: async (data) => {
          const samples = samplesOf(data);
          node?.port.postMessage(samples, [samples.buffer]);
          await Promise.resolve();
        },
        // Nothing is played where nothing comes.
        silence: async () => await Promise.resolve(),
      },
    );
  } finally {
    await context?.close();
  }
}
