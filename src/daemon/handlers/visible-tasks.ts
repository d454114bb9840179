import type { Task } from '../../api/messages.ts';
import { readableBundles } from '../../vm/host/find.ts';
import type { Host } from '../../vm/host/host.ts';
import { sees, type Principal } from '../access/principal.ts';

/** The tasks that somebody may see: to a user of some machines, those of these machines. */
export async function visibleTasks(
  host: Host,
  principal: Principal,
  tasks: readonly Task[],
): Promise<Task[]> {
  if (principal.machines === null) return [...tasks];
  const { bundles } = await readableBundles(host);
  // A task has the machine as it was named: by its name, its id or its path.
  const named = new Map<string, string>();
  for (const { name, names, content } of bundles) {
    const id = content?.model.uuid ?? null;
    if (id === null || !sees(principal, id)) continue;
    for (const reference of [name, names.vmx, names.directory, id]) named.set(reference, name);
  }
  return tasks.flatMap((task) => {
    const machine = named.get(task.machine ?? '');
    return machine === undefined ? [] : [{ ...task, machine }];
  });
}
