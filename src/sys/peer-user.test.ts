import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { isForeignPeer, userInTable } from './peer-user.ts';

const table = [
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
  '   0: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 20 4 30 10 -1',
  '   1: 0000000000000000FFFF00000100007F:C001 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 12 1',
].join('\n');

it('finds the user of each end of a connection', () => {
  expect(userInTable(table, '0100007F:1F90', '0100007F:C001')).toBe(1000);
  expect(userInTable(table, '0100007F:C001', '0100007F:1F90')).toBe(1001);
  expect(userInTable(table, '0100007F:C002', '0100007F:1F90')).toBeUndefined();
});

async function listening(): Promise<{ port: number; next: () => Promise<Socket> }> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, next: async () => ((await once(server, 'connection')) as [Socket])[0] };
}

it('knows a connection of the same user', async () => {
  const { port, next } = await listening();
  const accepted = next();
  const client = connect(port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  const socket = await accepted;
  onTestFinished(() => void socket.destroy());
  expect(await isForeignPeer(socket)).toBe(false);
});

const canBeAnother = process.platform === 'linux' && process.getuid?.() === 0;
it.skipIf(!canBeAnother)('knows a connection of another user', async () => {
  const { port, next } = await listening();
  const accepted = next();
  const program = `require('node:net').connect(${port}, '127.0.0.1').on('close', () => process.exit())`;
  execFile(process.execPath, ['-e', program], { uid: 65_534, gid: 65_534 });
  const socket = await accepted;
  onTestFinished(() => void socket.destroy());
  expect(await isForeignPeer(socket)).toBe(true);
});
