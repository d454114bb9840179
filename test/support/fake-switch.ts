/** The program of a process that answers like a switch, and keeps the last configuration beside its socket. */
export const fakeSwitch = `
  const [socket] = process.argv.slice(1);
  const fs = require('fs');
  require('net').createServer((client) => {
    client.on('error', () => {});
    let text = '';
    client.on('data', (chunk) => {
      const lines = (text + chunk).split('\\n');
      text = lines.pop();
      for (const line of lines) {
        const { id, method, config } = JSON.parse(line);
        if (method === 'configure') fs.writeFileSync(socket + '.config', JSON.stringify(config));
        client.write(JSON.stringify({ id, status: { uplinkConnected: true, ports: [], leases: [] } }) + '\\n');
      }
    });
  }).listen(socket);`;
