/** What the samples of a WAV file are: signed integers, little endian. */
export interface WavFormat {
  /** Frames a second. */
  readonly rate: number;
  readonly channels: number;
  readonly sampleBits: number;
}

export const wavHeaderBytes = 44;
/** Of a file whose length is not known yet: players then read to its end. */
const unknownBytes = 0xffff_ffff;
const pcm = 1;

/** Bytes of a sample of all channels. */
export function wavFrameBytes({ channels, sampleBits }: WavFormat): number {
  return (channels * sampleBits) / 8;
}

/**
 * The header of a WAV file (RIFF, "fmt " and "data" chunks of Multimedia Programming Interface and Data Specifications 1.0).
 * @param dataBytes size of the samples; without it, the size is marked as unknown
 */
export function wavHeader(format: WavFormat, dataBytes?: number): Buffer {
  const header = Buffer.alloc(wavHeaderBytes);
  const frame = wavFrameBytes(format);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(dataBytes === undefined ? unknownBytes : dataBytes + wavHeaderBytes - 8, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(pcm, 20);
  header.writeUInt16LE(format.channels, 22);
  header.writeUInt32LE(format.rate, 24);
  header.writeUInt32LE(format.rate * frame, 28);
  header.writeUInt16LE(frame, 32);
  header.writeUInt16LE(format.sampleBits, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes ?? unknownBytes, 40);
  return header;
}
