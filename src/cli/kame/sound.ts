import type { Command } from '@commander-js/extra-typings';
import type { SoundEnd, SoundFormat } from '../../api/generated/shapes.ts';
import type { SoundStreams } from '../../client/core/sound-channel.ts';
import { examples, given, jsonShape, seconds } from '../options.ts';
import { openOutput, refuseTerminal, type Output } from '../output-file.ts';
import type { Session } from '../session.ts';
import { wavFrameBytes, wavHeader } from '../wav.ts';

const zeros = Buffer.alloc(64 * 1024);
const reasons: Record<SoundEnd['reason'], string> = {
  stopped: '',
  time: '',
  engine: ', the machine has stopped',
};

/** A WAV file that is being written. It is made when the recording begins: what is refused overwrites nothing. */
class WavFile implements AsyncDisposable {
  #output: Output | undefined;
  #format: SoundFormat = { type: 'format', rate: 1, channels: 1, sampleBits: 16 };
  #bytes = 0;
  readonly #open: () => Promise<Output>;

  constructor(open: () => Promise<Output>) {
    this.#open = open;
  }

  readonly callbacks: Omit<SoundStreams, 'signal'> = {
    format: async (format) => {
      this.#output = await this.#open();
      this.#format = format;
      await this.#output.write(wavHeader(format));
    },
    output: async (samples) => await this.#write(samples),
    silence: async (frames) => {
      let bytes = frames * wavFrameBytes(this.#format);
      for (; bytes > 0; bytes -= zeros.length) await this.#write(zeros.subarray(0, bytes));
    },
  };

  /** What the recording consists of, once it has begun. */
  get format(): SoundFormat {
    return this.#format;
  }

  async #write(samples: Uint8Array): Promise<void> {
    await this.#output?.write(samples);
    this.#bytes += samples.length;
  }

  /** Closes the file, which then tells its size, however the recording has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#output) return;
    await using output = this.#output;
    await output.replaceStart?.(wavHeader(this.#format, this.#bytes));
  }
}

function endText(name: string, { frames, silent, dropped, reason }: SoundEnd, { rate }: SoundFormat): string {
  const time = (count: number) => `${(count / rate).toFixed(1)} s`;
  const missing =
    dropped === 0
      ? ''
      : `; ${time(dropped)} are missing, because they came faster than they could be written`;
  return `${name}: recorded ${time(frames)}, ${time(silent)} of it silent${reasons[reason]}${missing}`;
}

export function define(program: Command, session: Session): void {
  program
    .command('sound')
    .description(
      'Records what a running guest plays to a WAV file, until Ctrl-C: 16 bits, two channels, 44.1 kHz. Silence is recorded ' +
        'too, so that everything is where it was heard. An existing file is overwritten. The machine needs a sound card ' +
        '(kame set NAME sound=on) and a display.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<file>', 'file to write, or - for standard output')
    .option('--duration <seconds>', 'how long to record, at most 6 hours', seconds('--duration'))
    .option('--json', jsonShape('SoundEnd, after the recording has ended'))
    .addHelpText(
      'after',
      examples('kame sound demo demo.wav --duration 10', 'kame sound demo - | ffplay -autoexit -'),
    )
    .action(async (name, file, { duration }) => {
      refuseTerminal(session, file, 'A recording', 'kame sound demo - | ffplay -autoexit -');
      await using target = new WavFile(async () => await openOutput(session, file));
      const end = await session.client.machines.sound(
        session.machine(name),
        given({ durationMs: duration }),
        {
          ...target.callbacks,
          signal: session.signal,
        },
      );
      if (session.json && file !== '-') session.printJson(end);
      else session.note(endText(name, end, target.format));
    });
}
