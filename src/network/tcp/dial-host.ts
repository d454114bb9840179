import { connect } from 'node:net';
import type { Dial } from './host-connection.ts';

/** Where what comes is read into. One buffer serves all connections, because everything is copied before the next read. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);
/** Bytes of one read at least. */
const leastRead = 4096;

/** Opens a connection of this host. */
export const dialHost: Dial = (host, port, events) => {
  const socket = connect({
    host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    onread: {
      buffer: () => buffer.subarray(0, Math.max(leastRead, events.room())),
      callback: (length) => {
        const wantsMore = events.received(buffer.subarray(0, length));
        if (!wantsMore) socket.pause();
        return wantsMore;
      },
    },
  });
  let isOver = false;
  const unlessOver = (tell: () => void) => () => {
    if (!isOver) tell();
  };
  socket.on('connect', unlessOver(events.connected));
  socket.on('end', unlessOver(events.ended));
  socket.on('drain', unlessOver(events.drained));
  socket.on('error', () => {
    if (!isOver) events.failed();
    isOver = true;
  });
  return {
    get waiting() {
      return socket.writableLength;
    },
    write: (bytes) => void socket.write(bytes),
    end: () => void socket.end(),
    reset() {
      isOver = true;
      // One that is not connected would wait until it is.
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    },
    resume: () => void socket.resume(),
  };
};
