/** A program that listens on a Unix socket, named by its argument, and sends zeros to whoever connects, for ever. */
import { createServer } from 'node:net';

const chunk = Buffer.alloc(256 * 1024);
createServer((socket) => {
  socket.on('error', () => socket.destroy());
  const send = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', send);
  send();
}).listen(process.argv[2], () => process.stdout.write('listening\n'));
