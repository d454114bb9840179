/** The frames of a pcap file, as QEMU's filter-dump writes it (https://www.tcpdump.org/manpages/pcap-savefile.5.html). */

const fileHeaderBytes = 24;
const frameHeaderBytes = 16;
const magic = 0xa1b2c3d4;
/** QEMU captures at most 64 KiB of a frame. */
const maxFrameBytes = 256 * 1024;

/** Splits a pcap file that arrives in pieces into its header and its frames, each with its own header. */
export class PcapSplitter {
  #rest: Buffer = Buffer.alloc(0);
  #littleEndian: boolean | undefined;

  /**
   * The parts that are complete now: of the first call that has one, the header of the file, then frames.
   * @throws Error when it is not a pcap file
   */
  push(chunk: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const parts: Buffer[] = [];
    for (let size = this.#next(); size !== undefined && size <= this.#rest.length; size = this.#next()) {
      parts.push(this.#rest.subarray(0, size));
      this.#rest = this.#rest.subarray(size);
    }
    return parts;
  }

  /** The size of the next part; undefined while it is unknown. */
  #next(): number | undefined {
    if (this.#littleEndian === undefined) return this.#readFileHeader();
    if (this.#rest.length < frameHeaderBytes) return undefined;
    const length = this.#littleEndian ? this.#rest.readUInt32LE(8) : this.#rest.readUInt32BE(8);
    if (length > maxFrameBytes) throw new Error(`A frame of ${length} bytes cannot be in a capture.`);
    return frameHeaderBytes + length;
  }

  #readFileHeader(): number | undefined {
    if (this.#rest.length < fileHeaderBytes) return undefined;
    this.#littleEndian = this.#rest.readUInt32LE(0) === magic;
    if (!this.#littleEndian && this.#rest.readUInt32BE(0) !== magic)
      throw new Error('It is not a pcap file.');
    return fileHeaderBytes;
  }
}
