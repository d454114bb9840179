import { KameError } from '../../core/errors.ts';
import type { ByteReader } from './byte-reader.ts';
import { protocolError, RfbSession } from './rfb-session.ts';

/** The sound that a server is asked for: samples of 16 bits, signed, little endian, the channels of a frame beside each other. */
export const soundFormat = { rate: 44_100, channels: 2, sampleBits: 16 } as const;
/** Bytes of a sample of all channels. */
export const frameBytes = (soundFormat.channels * soundFormat.sampleBits) / 8;

/** The pseudo-encoding QEMU Audio: -259. */
const qemuAudio = -259;
/** QEMU's type of messages, in both directions, and its subtype for sound. */
const [qemuMessage, audioMessage] = [255, 1];
const requests = { enable: 0, setFormat: 2 } as const;
const notices = { end: 0, begin: 1, data: 2 } as const;
/** The format of samples: signed, of 16 bits. */
const signed16 = 3;
/** QEMU sends what it has mixed, at most some tens of kilobytes. */
const maxDataBytes = 1024 * 1024;

export interface SoundListener {
  /** The server is about to send what the guest plays. */
  readonly ready: () => void;
  /** The guest begins to play after silence. */
  readonly begin: () => void;
  /** Whole frames of what it plays. */
  readonly data: (frames: Buffer) => void;
}

/**
 * Streams what the guest plays, by QEMU's extension of RFB for sound (ui/vnc.c of QEMU), until the signal or the end of the
 * connection. Nothing comes while the guest plays nothing.
 * @throws KameError ENGINE_TIMEOUT, ENGINE_FAILED when it does not speak RFB, CANCELLED before the connection
 */
export async function streamSound(path: string, listener: SoundListener, signal: AbortSignal): Promise<void> {
  using session = await RfbSession.connect(path, qemuAudio, signal);
  const extension = {
    rectangle: (encoding: number) => {
      if (encoding !== qemuAudio) return Promise.resolve(false);
      // The server knows the extension, which it says once.
      session.send(enableRequest());
      listener.ready();
      return Promise.resolve(true);
    },
    message: async (type: number, reader: ByteReader) =>
      type === qemuMessage && (await onMessage(reader, listener)),
  };
  try {
    await session.listen(extension);
  } catch (error) {
    if (session.isOver && error instanceof KameError) return;
    throw error;
  }
}

/** Asks for the format, and for the sound. */
function enableRequest(): Buffer {
  const message = Buffer.alloc(14);
  message.set([qemuMessage, audioMessage, 0, requests.setFormat, signed16, soundFormat.channels]);
  message.writeUInt32BE(soundFormat.rate, 6);
  message.set([qemuMessage, audioMessage, 0, requests.enable], 10);
  return message;
}

async function onMessage(reader: ByteReader, listener: SoundListener): Promise<true> {
  const head = await reader.read(3);
  if (head.readUInt8(0) !== audioMessage) throw protocolError(`QEMU's message ${head.readUInt8(0)}`);
  const notice = head.readUInt16BE(1);
  if (notice === notices.begin) listener.begin();
  else if (notice === notices.data) listener.data(await readFrames(reader));
  else if (notice !== notices.end) throw protocolError(`a notice ${notice} about sound`);
  return true;
}

async function readFrames(reader: ByteReader): Promise<Buffer> {
  const bytes = (await reader.read(4)).readUInt32BE(0);
  if (bytes > maxDataBytes || bytes % frameBytes !== 0) throw protocolError(`${bytes} bytes of sound`);
  return await reader.read(bytes);
}
