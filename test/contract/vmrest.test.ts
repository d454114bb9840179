import { describe, expect, it } from 'vitest';
import { mediaType, type Operation } from '../../src/cli/vmrest/operation.ts';
import { operations } from '../../src/cli/vmrest/operations.ts';
import { errorModel } from '../../src/cli/vmrest/schemas.ts';
import { asked, bodies, daemon, useDaemon } from './cli-run.ts';
import { demo } from './cli-samples.ts';
import { json, problem } from './cli-support.ts';
import { id, machine, machineLines, type Line } from './vmrest-lines.ts';
import { networkLines } from './vmrest-network-lines.ts';
import { ask, useVmrest, type Answered } from './vmrest-server.ts';

// Every operation of vmrest against a daemon that says what a test wants; each answer is checked by the schema of its operation.

useDaemon();
useVmrest();

const route = `/v1/machines/${encodeURIComponent(machine.path)}`;
const table: Readonly<Record<string, Operation>> = operations;
const lines: readonly Line[] = [...machineLines, ...networkLines];

function operationOf({ id: name }: Line): Operation {
  return operations[name];
}

function textOf({ body, ...line }: Line): string | undefined {
  return operationOf(line).text ? String(body) : JSON.stringify(body);
}

async function send(line: Line): Promise<Answered> {
  const { method } = operationOf(line);
  const body = line.body === undefined ? undefined : textOf(line);
  return await ask(method, `/api${line.path}`, { body });
}

/** What is on the daemon by that name; paths of the machine are short in the lines. */
function daemonRoute(name: string): string {
  const [method = '', path = ''] = name.split(' ');
  return `${method} ${path.startsWith('/v1/') ? path : `${route}${path}`}`;
}

/** A refusal has the shape of one, and a status that the document knows. */
function expectRefusal(answered: Answered, status: number): void {
  expect([answered.status, answered.text]).toEqual([status, expect.stringContaining('"Code"')]);
  expect(errorModel.parse(answered.body)).toEqual(answered.body);
  expect(answered.headers['content-type']).toBe(mediaType);
}

const inWords = (each: Line): string => `${operationOf(each).method} ${each.path} ${textOf(each) ?? ''}`;

describe('vmrest', () => {
  it.each(lines.map((line) => [inWords(line), line] as const))('%s', async (_words, line) => {
    for (const [name, reply] of Object.entries(line.replies)) daemon.on(daemonRoute(name), reply);
    const answered = await send(line);
    const operation = operationOf(line);
    expect([answered.status, answered.body]).toEqual([operation.status, line.answer]);
    expect(operation.result?.parse(answered.body)).toEqual(answered.body);
    const wanted = Object.keys(line.replies).map(daemonRoute);
    expect([...new Set(asked())].sort()).toEqual(wanted.sort());
    expect(bodies().filter((body) => body !== undefined)).toEqual(line.sent ?? []);
  });

  it('has a line above for each of its 29 operations', () => {
    const tested = new Set(lines.map((line) => line.id));
    expect(Object.keys(table).filter((name) => !tested.has(name as Line['id']))).toEqual([]);
    expect(Object.keys(table)).toHaveLength(29);
  });

  const firstOf = Object.keys(table).map((name) => lines.find((line) => line.id === name) as Line);

  it.each(firstOf.map((line) => [line.id, line] as const))('%s needs a login', async (_id, line) => {
    const { method, body } = operationOf(line);
    for (const authorization of ['', 'Basic YWRhOndyb25n', 'Bearer x', 'Basic ====']) {
      const answered = await ask(method, `/api${line.path}`, {
        body: body ? '{}' : undefined,
        headers: { authorization },
      });
      expectRefusal(answered, 401);
      expect(answered.headers['www-authenticate']).toMatch(/^Basic realm="/u);
    }
    expect(asked()).toEqual([]);
  });

  const withBody = firstOf.filter((line) => operationOf(line).body);

  it.each(withBody.map((line) => [line.id, line] as const))(
    '%s refuses other media types and wrong bodies',
    async (_id, line) => {
      const { method, text } = operationOf(line);
      const path = `/api${line.path}`;
      for (const type of ['application/json', 'text/plain', ''])
        expectRefusal(await ask(method, path, { body: '{}', headers: { 'content-type': type } }), 406);
      for (const body of ['', '{', '[]', '7', '""', '{"name":7,"path":7,"type":"x","flags":"4"}'])
        expectRefusal(await ask(method, path, { body }), 400);
      const wrong = await ask(method, path, { body: '{' });
      expect(wrong.body).toMatchObject({
        Code: 100,
        Message: `One of the parameters was invalid: ${text ? 'operation' : 'parameters. The body is not JSON.'}`,
      });
      expect(asked().filter((each) => !each.startsWith('GET'))).toEqual([]);
    },
  );

  const onMachine = firstOf.filter((line) => line.path.startsWith(`/vms/${id}`));

  it.each(onMachine.map((line) => [line.id, line] as const))(
    '%s does not know other ids',
    async (_id, line) => {
      daemon.on('GET /v1/machines', json([{ ...demo, id: 'another' }]));
      const { method } = operationOf(line);
      const body = line.body === undefined ? undefined : textOf(line);
      for (const other of [id, id.toLowerCase(), '..%2F..', 'a%2Fb', '%00', encodeURIComponent(demo.path)]) {
        const answered = await ask(method, `/api${line.path.replace(id, other)}`, { body });
        expectRefusal(answered, 404);
        expect(answered.body).toMatchObject({ Code: 4000 });
      }
    },
  );

  it('says which machines have one id', async () => {
    daemon.on('GET /v1/machines', json([demo, { ...demo, path: '/v/copy.vmx' }]));
    const answered = await ask('GET', `/api/vms/${id}`);
    expectRefusal(answered, 409);
    expect(answered.text).toContain(`${demo.path}, /v/copy.vmx`);
  });

  it.each([
    ['BROKEN_MACHINE', 409, 409, 4002],
    ['BUSY', 409, 409, 5],
    ['ALREADY_EXISTS', 409, 409, 23],
    ['HAS_CLONES', 409, 409, 1],
    ['INVALID_VALUE', 400, 400, 100],
    ['BAD_IMAGE', 422, 400, 1],
    ['DISK_FULL', 507, 500, 8],
    ['ENGINE_FAILED', 500, 500, 1],
    ['GUEST_AGENT_MISSING', 409, 409, 3016],
    ['GUEST_TIMEOUT', 504, 500, 1],
  ])('tells %s of the daemon', async (code, http, status, number) => {
    daemon.on('GET /v1/machines', json([demo]));
    daemon.on(`POST ${route}/start`, problem(http, code, 'It is so.'));
    const answered = await ask('PUT', `/api/vms/${id}/power`, { body: 'on' });
    expectRefusal(answered, status);
    expect(answered.body).toEqual({ Code: number, Message: 'It is so. Do this.' });
  });

  it.each([
    ['running', 3007],
    ['stopped', 3006],
  ])('knows from a wrong state, %s, which number VMware has', async (state, number) => {
    daemon.on('GET /v1/machines', json([demo]));
    const refusal = { code: 'WRONG_STATE', message: 'No.', next: '', details: { state } };
    daemon.on(`POST ${route}/pause`, json(refusal, 409));
    const answered = await ask('PUT', `/api/vms/${id}/power`, { body: 'pause' });
    expect([answered.status, answered.body]).toEqual([409, { Code: number, Message: 'No.' }]);
  });

  it('has no state for a machine that cannot be read, and no address before the guest has one', async () => {
    daemon.on('GET /v1/machines', json([{ ...demo, state: 'broken', reason: 'x' }]));
    const power = await ask('GET', `/api/vms/${id}/power`);
    expect([power.status, power.body]).toMatchObject([409, { Code: 4002 }]);
    daemon.on(`GET ${route}/addresses`, json({ ip: null, interfaces: [] }));
    const address = await ask('GET', `/api/vms/${id}/ip`);
    expect([address.status, address.body]).toMatchObject([409, { Code: 3016 }]);
  });

  it.each([
    ['POST', `/vms/${id}/nic`, { type: 'nat', vmnet: 'vmnet8' }, 'vmnet'],
    ['POST', `/vms/${id}/nic`, { type: 'custom' }, 'vmnet'],
    ['PUT', `/vms/${id}/nic/0`, { type: 'nat' }, 'index'],
    ['PUT', `/vms/${id}/nic/11`, { type: 'nat' }, 'index'],
    ['PUT', `/vms/${id}`, {}, 'processors, memory'],
    ['PUT', `/vms/${id}`, { memory: '512' }, 'memory'],
    ['POST', `/vms/${id}/sharedfolders`, { folder_id: 'a', host_path: '/a', flags: 2 }, 'flags'],
    ['POST', `/vms/${id}/sharedfolders`, { folder_id: 'a', host_path: 'a', flags: 4 }, 'host_path'],
    ['PUT', '/vmnet/vmnet8/mactoip/web', { IP: '1.2.3.4' }, 'mac'],
    ['PUT', '/vmnet/vmnet8/portforward/icmp/1', { guestIp: '1.2.3.4', guestPort: 1 }, 'protocol'],
    ['PUT', '/vmnet/vmnet8/portforward/tcp/70000', { guestIp: '1.2.3.4', guestPort: 1 }, 'port'],
    ['PUT', '/vmnet/vmnet8/portforward/tcp/1', { guestIp: '1.2.3.4', guestPort: 0 }, 'guestPort'],
    ['PUT', `/vms/${id}/params`, { name: '', value: 'x' }, 'name'],
  ])('refuses %s %s %j', async (method, path, body, parameter) => {
    const answered = await ask(method, `/api${path}`, { body: JSON.stringify(body) });
    expectRefusal(answered, 400);
    expect(answered.text).toContain(`"One of the parameters was invalid: ${parameter}`);
    expect(asked()).toEqual([]);
  });

  it('does not share a folder twice, and puts the old folder back when the new one cannot be shared', async () => {
    const folders = [{ name: 'work', hostPath: '/home/ada', writable: false, state: 'shared', reason: null }];
    daemon.on('GET /v1/machines', json([demo]));
    daemon.on(`GET ${route}/shares`, json({ machine: 'demo', folders }));
    daemon.on(`DELETE ${route}/shares/work`, json({ machine: 'demo', folders: [] }));
    daemon.on(`POST ${route}/shares`, problem(400, 'INVALID_VALUE', 'There is no folder /srv.'));
    const folder = { folder_id: 'work', host_path: '/srv', flags: 4 };
    const path = `/api/vms/${id}/sharedfolders`;
    expectRefusal(await ask('POST', path, { body: JSON.stringify(folder) }), 409);
    const put = { body: JSON.stringify({ host_path: '/srv', flags: 4 }) };
    expectRefusal(await ask('PUT', `${path}/work`, put), 400);
    expect(bodies().at(-1)).toEqual({ name: 'work', hostPath: '/home/ada', readOnly: true });
    expectRefusal(await ask('PUT', `${path}/other`, put), 404);
  });
});
