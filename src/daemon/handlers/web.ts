import type { webOperations } from '../../api/web-operations.ts';
import type { WebState, WebUser } from '../../api/web.ts';
import { KameError } from '../../core/errors.ts';
import { findBundle, readableBundles } from '../../vm/host/find.ts';
import type { Host } from '../../vm/host/host.ts';
import type { User } from '../access/users.ts';
import type { DaemonFacts, Handlers } from './handler.ts';

async function stateOf({ web, users }: DaemonFacts): Promise<WebState> {
  return { ...web.show(), users: (await users.list()).length };
}

/** The ids of machines that were named: a name may be that of another machine tomorrow. @throws KameError NO_SUCH_MACHINE, USAGE */
async function idsOf(host: Host, machines: readonly string[] | null): Promise<string[] | null> {
  if (machines === null) return null;
  const ids = machines.map(async (machine) => {
    const { name, content } = await findBundle(host, machine);
    const id = content?.model.uuid ?? null;
    if (id === null)
      throw new KameError('USAGE', `${name} has no id yet, by which it could be told from others.`, {
        next: `Start it once: kame start ${name}`,
        details: { machine: name },
      });
    return id;
  });
  return [...new Set(await Promise.all(ids))];
}

async function describe(host: Host, users: readonly User[]): Promise<WebUser[]> {
  const { bundles } = await readableBundles(host);
  const nameOf = (id: string) => bundles.find(({ content }) => content?.model.uuid === id)?.name ?? null;
  return users.map(({ name, role, machines }) => ({
    name,
    role,
    machines: machines && machines.map((id) => ({ id, name: nameOf(id) })),
  }));
}

async function describeOne(host: Host, user: User): Promise<WebUser> {
  const [described] = await describe(host, [user]);
  if (!described) throw new KameError('INTERNAL', `The user ${user.name} cannot be described.`);
  return described;
}

export const webHandlers: Handlers<keyof typeof webOperations> = {
  'web.open': async ({ daemon }) => {
    const { address, until } = await daemon.web.open();
    return { address, until: until.toISOString() };
  },
  'web.show': ({ daemon }) => stateOf(daemon),
  'web.listen': async ({ daemon }, { body }) => {
    await daemon.web.listen(body);
    return await stateOf(daemon);
  },
  'web.off': async ({ daemon }) => {
    await daemon.web.off();
    return await stateOf(daemon);
  },
  'web.users': async ({ host, daemon }) => await describe(host, await daemon.users.list()),
  'web.addUser': async ({ host, daemon }, { body: { name, role, machines, password } }) => {
    const rights = { role, machines: await idsOf(host, machines) };
    return await describeOne(host, await daemon.users.add(name, rights, password));
  },
  'web.setUser': async ({ host, daemon }, { params, body: { role, machines } }) => {
    const change = {
      ...(role === undefined ? {} : { role }),
      ...(machines === undefined ? {} : { machines: await idsOf(host, machines) }),
    };
    return await describeOne(host, await daemon.users.set(params.user, change));
  },
  'web.setPassword': async ({ daemon }, { params, body }) => {
    await daemon.users.setPassword(params.user, body.password);
    return { ok: true };
  },
  'web.removeUser': async ({ daemon }, { params }) => {
    await daemon.users.remove(params.user);
    return { ok: true };
  },
  'web.audit': ({ daemon }, { query }) => daemon.audit.read(query.limit),
};
