import { connect } from 'node:net';
import type { Dial } from './host-connection.ts';

/** What is read from a host at once. One buffer serves all connections, because what comes is copied at once. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Opens a connection of this host. */
export const dialHost: Dial = (host, port, events) => {
  const socket = connect({
    host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    onread: {
      buffer,
      callback: (length) => {
        const wantsMore = events.received(buffer.subarray(0, length));
        if (!wantsMore) socket.pause();
        return wantsMore;
      },
    },
  });
  let isOver = false;
  socket.on('connect', () => events.connected());
  socket.on('end', () => events.ended());
  socket.on('drain', () => events.drained());
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
      socket.resetAndDestroy();
    },
    resume: () => void socket.resume(),
  };
};
