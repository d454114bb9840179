import type { Task } from '../../api/messages.ts';
import { hasRole, hasRoleOnAll, type Rights, type Role } from '../../api/role.ts';
import { readableBundles } from '../../vm/host/find.ts';
import type { Host } from '../../vm/host/host.ts';

/** The tasks of the machines on which somebody has at least this role. */
export async function visibleTasks(
  host: Host,
  rights: Rights,
  needed: Role,
  tasks: readonly Task[],
): Promise<Task[]> {
  if (hasRoleOnAll(rights, needed)) return [...tasks];
  const { bundles } = await readableBundles(host);
  // A task has the machine as it was named: by its name, its id or its path.
  const named = new Map<string, string>();
  for (const { name, names, content } of bundles) {
    const id = content?.model.uuid ?? null;
    if (id === null || !hasRole(rights, needed, id)) continue;
    for (const reference of [name, names.vmx, names.directory, id]) named.set(reference, name);
  }
  return tasks.flatMap((task) => {
    const machine = named.get(task.machine ?? '');
    return machine === undefined ? [] : [{ ...task, machine }];
  });
}
