import { KameError } from '../../core/errors.ts';
import type { ByteReader } from './byte-reader.ts';
import { protocolError, RfbSession } from './rfb-session.ts';

/** The encoding Raw: all pixels, row by row. */
const rawEncoding = 0;
const requests = { pixelFormat: 0, update: 3 } as const;
/** Of a display of 8K, with 4 bytes for a pixel. */
const maxPixels = 7680 * 4320;
const [rgbBytes, wireBytes] = [3, 4];

/** What a display shows. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Rows of red, green and blue, a byte each. */
  readonly rgb: Buffer;
}

/** Asks for pixels of 4 bytes: red, green, blue, and one of no meaning. */
function pixelFormat(): Buffer {
  const message = Buffer.alloc(20);
  message.writeUInt8(requests.pixelFormat, 0);
  // 32 bits with 24 of colour, little endian, true colour; the greatest value of each colour and where it is.
  message.set([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16], 4);
  return message;
}

function updateRequest(width: number, height: number): Buffer {
  const message = Buffer.alloc(10);
  message.writeUInt8(requests.update, 0);
  message.writeUInt16BE(width, 6);
  message.writeUInt16BE(height, 8);
  return message;
}

/** Reads a rectangle of pixels into the picture; how many there were. */
async function readRectangle(head: Buffer, reader: ByteReader, picture: Picture): Promise<number> {
  const [x, y, width, height] = [0, 2, 4, 6].map((at) => head.readUInt16BE(at)) as [
    number,
    number,
    number,
    number,
  ];
  if (x + width > picture.width || y + height > picture.height)
    throw protocolError('a rectangle beside its display');
  for (let row = y; row < y + height; row += 1) {
    const pixels = await reader.read(width * wireBytes);
    let at = (row * picture.width + x) * rgbBytes;
    for (let from = 0; from < pixels.length; from += wireBytes) {
      at += pixels.copy(picture.rgb, at, from, from + rgbBytes);
    }
  }
  return width * height;
}

/**
 * Reads what the display shows from the engine's VNC server. The signal ends that.
 * @throws KameError ENGINE_FAILED when it does not speak RFB or hangs up, ENGINE_TIMEOUT, CANCELLED before the connection
 */
export async function readPicture(path: string, signal: AbortSignal): Promise<Picture> {
  using session = await RfbSession.connect(path, rawEncoding, signal);
  const { width, height } = session.size;
  if (width * height === 0 || width * height > maxPixels)
    throw protocolError(`a display of ${width}x${height}`);
  const picture = { width, height, rgb: Buffer.alloc(width * height * rgbBytes) };
  session.send(Buffer.concat([pixelFormat(), updateRequest(width, height)]));
  let missing = width * height;
  const complete = new KameError('INTERNAL', 'The picture is complete.');
  const extension = {
    rectangle: async (encoding: number, head: Buffer, reader: ByteReader) => {
      if (encoding !== rawEncoding) return false;
      missing -= await readRectangle(head, reader, picture);
      if (missing <= 0) throw complete;
      return true;
    },
    message: () => Promise.resolve(false),
  };
  await session.listen(extension).catch((error: unknown) => {
    if (error !== complete) throw error;
  });
  return picture;
}
