/** Bytes of a message. */
const partBytes = 64 * 1024;

/** The input in parts for messages. @param broke told what reading it throws */
export async function* partsOf(
  input: AsyncIterable<Uint8Array>,
  broke: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of input)
      for (let at = 0; at < chunk.length; at += partBytes) yield chunk.subarray(at, at + partBytes);
  } catch (error) {
    broke(error);
    throw error;
  }
}
