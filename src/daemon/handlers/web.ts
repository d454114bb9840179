import type { webOperations } from '../../api/web-operations.ts';
import type { Grant, Rights } from '../../api/role.ts';
import type { WebState, WebUser } from '../../api/web.ts';
import { KameError } from '../../core/errors.ts';
import { findBundle, readableBundles } from '../../vm/host/find.ts';
import type { Host } from '../../vm/host/host.ts';
import type { User } from '../access/users.ts';
import type { DaemonFacts, Handlers } from './handler.ts';

async function stateOf({ web, users }: DaemonFacts): Promise<WebState> {
  return { ...web.show(), users: (await users.list()).length };
}

/** The id of a machine that was named: a name may be that of another machine tomorrow. @throws KameError NO_SUCH_MACHINE, USAGE */
async function idOf(host: Host, machine: string): Promise<string> {
  const { name, content } = await findBundle(host, machine);
  const id = content?.model.uuid ?? null;
  if (id !== null) return id;
  throw new KameError('USAGE', `${name} has no id yet, by which it could be told from others.`, {
    next: `Start it once: kame start ${name}`,
    details: { machine: name },
  });
}

/** The grants, with the ids of their machines. @throws KameError NO_SUCH_MACHINE, USAGE */
async function rightsOf(host: Host, grants: readonly Grant[]): Promise<Rights> {
  const withIds = grants.map(async ({ role, machines }): Promise<Grant> => {
    if (machines === null) return { role, machines };
    const ids = await Promise.all(machines.map((machine) => idOf(host, machine)));
    return { role, machines: [...new Set(ids)] };
  });
  return { grants: await Promise.all(withIds) };
}

async function describe(host: Host, users: readonly User[]): Promise<WebUser[]> {
  const { bundles } = await readableBundles(host);
  const nameOf = (id: string) => bundles.find(({ content }) => content?.model.uuid === id)?.name ?? null;
  return users.map(({ name, grants }) => ({
    name,
    grants: grants.map(({ role, machines }) => ({
      role,
      machines: machines && machines.map((id) => ({ id, name: nameOf(id) })),
    })),
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
  'web.addUser': async ({ host, daemon }, { body: { name, grants, password } }) =>
    await describeOne(host, await daemon.users.add(name, await rightsOf(host, grants), password)),
  'web.setUser': async ({ host, daemon }, { params, body: { grants } }) =>
    await describeOne(host, await daemon.users.set(params.user, await rightsOf(host, grants))),
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
