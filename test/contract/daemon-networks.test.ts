import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { errorBody } from '../../src/api/messages.ts';
import * as api from '../../src/api/network.ts';
import { freePort } from '../../src/sys/port-probe.ts';
import { pathOf, useHomes, useRefusingServer, valid } from './daemon-support.ts';

const useServer = useHomes();
const vmx = `${valid}uuid.bios = "56 4d 11 22 33 44 55 66-77 88 99 aa bb cc dd 01"\nethernet0.present = "TRUE"\nethernet0.connectionType = "custom"\nethernet0.vnet = "lab"\n`;
const refusing = useRefusingServer(vmx);
const lab = { network: 'lab' };

describe('a request about networks', () => {
  it.each([
    ['POST', pathOf('networks.create'), { name: 'lab', type: 'natural' }, 'type'],
    ['POST', pathOf('networks.create'), { name: 'lab', wan: true }, 'wan'],
    ['PATCH', pathOf('networks.set', lab), { mtu: '9000' }, 'mtu'],
    ['POST', pathOf('networks.addForward', lab), { transport: 'tcp', hostPort: 0 }, 'hostPort'],
    [
      'DELETE',
      pathOf('networks.removeForward', { ...lab, transport: 'icmp', port: '80' }),
      undefined,
      'transport',
    ],
    ['PUT', pathOf('networks.reserve', { ...lab, adapter: 'demo' }), {}, 'address'],
    ['POST', pathOf('machines.ssh'), { timeoutMs: 0 }, 'timeoutMs'],
  ] as const)('%s %s %j is refused, naming the field', async (method, url, payload, field) => {
    const { server } = await refusing();
    const answer = await server.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    const body = errorBody.parse(answer.json());
    expect([answer.statusCode, body.code, body.message]).toEqual([
      400,
      'USAGE',
      expect.stringContaining(field),
    ]);
  });

  it('of one that does not exist is 404', async () => {
    const server = await useServer();
    const answer = await server.inject({ url: pathOf('networks.show', { network: 'vmnet9' }) });
    expect([answer.statusCode, errorBody.parse(answer.json())]).toMatchObject([
      404,
      { code: 'NO_SUCH_NETWORK' },
    ]);
  });
});

it('a network is created, used, changed and deleted, in the documented shapes', async () => {
  const server = await useServer(vmx);
  const send = async (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, payload?: object) => {
    const answer = await server.inject({ method, url, ...(payload ? { payload } : {}) });
    expect([answer.statusCode, answer.body]).toEqual([200, expect.any(String)]);
    return answer.json<unknown>();
  };
  const created = await send('POST', pathOf('networks.create'), { name: 'lab', subnet: '10.9.8.0/24' });
  expect(api.networkDetails.strict().parse(created)).toMatchObject({ machines: ['demo'] });
  const list = z.array(api.network.strict()).parse(await send('GET', pathOf('networks.list')));
  expect(list.map(({ name }) => name)).toEqual(['lab', 'vmnet1', 'vmnet8']);
  const hostPort = await freePort('127.0.0.1');
  const forward = { transport: 'tcp', hostPort, target: 'demo', guestPort: 80 };
  const added = await send('POST', pathOf('networks.addForward', lab), forward);
  expect(api.networkForward.strict().parse(added)).toMatchObject({ machine: 'demo', bind: '127.0.0.1' });
  const reserve = pathOf('networks.reserve', { ...lab, adapter: 'demo' });
  const reserved = await send('PUT', reserve, { address: '10.9.8.10' });
  expect(api.reservation.strict().parse(reserved)).toMatchObject({ machine: 'demo' });
  const forwards = z.array(api.networkForward).parse(await send('GET', pathOf('networks.forwards', lab)));
  expect(forwards).toMatchObject([{ address: '10.9.8.10', hostPort }]);
  expect(await send('GET', pathOf('networks.leases', lab))).toEqual([]);
  expect(await send('POST', pathOf('machines.ssh'), { wait: false })).toMatchObject({ alias: 'demo.kame' });
  await send('DELETE', reserve);
  const remove = { ...lab, transport: 'tcp', port: String(hostPort) };
  const other = { target: 'demo', guestPort: 81, description: 'the shop' };
  const set = await send('PUT', pathOf('networks.setForward', remove), other);
  expect(api.networkForward.strict().parse(set)).toMatchObject({ guestPort: 81, description: 'the shop' });
  expect(await send('DELETE', pathOf('networks.removeForward', remove))).toEqual({ ok: true });
  expect(await send('PATCH', pathOf('networks.set', lab), { mtu: 9000 })).toMatchObject({ mtu: 9000 });
  const refused = await server.inject({ method: 'DELETE', url: pathOf('networks.delete', lab) });
  expect([refused.statusCode, errorBody.parse(refused.json()).code]).toEqual([409, 'NETWORK_IN_USE']);
});
