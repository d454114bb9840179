import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KameError } from '../core/errors.ts';
import { TaskList } from './tasks.ts';

const options = () => ({ signal: new AbortController().signal, onProgress: () => undefined });

/** A task that runs until it is cancelled, and throws `thrown` then. */
function until(tasks: TaskList, id: string, thrown: Error): Promise<never> {
  return tasks.run({ id, verb: 'wait', machine: 'demo' }, options(), async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    throw thrown;
  });
}

describe('a task that is cancelled by its id', () => {
  it('ends as cancelled, even if it throws an error that is not a KameError', async () => {
    const tasks = new TaskList();
    const id = randomUUID();
    const ended = until(tasks, id, new DOMException('aborted', 'AbortError'));
    expect(tasks.list()).toMatchObject([{ id, verb: 'wait', machine: 'demo' }]);
    expect(tasks.cancel(id)).toBe(true);
    await expect(ended).rejects.toMatchObject({
      code: 'CANCELLED',
      message: 'The wait of demo was cancelled.',
    });
    expect(tasks.list()).toEqual([]);
    expect(tasks.cancel(id)).toBe(false);
  });

  it('reports what went wrong while it was undone', async () => {
    const tasks = new TaskList();
    const id = randomUUID();
    const ended = until(tasks, id, new KameError('DISK_FULL', 'No room.'));
    tasks.cancel(id);
    await expect(ended).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  it('says what to do next where a step knows', async () => {
    const tasks = new TaskList();
    const [one, other] = [randomUUID(), randomUUID()];
    const plumbing = until(tasks, one, new KameError('CANCELLED', 'Reading byte 7 was cancelled.'));
    const knows = until(tasks, other, new KameError('CANCELLED', 'It goes on.', { next: 'kame stop it.' }));
    tasks.cancelAll();
    await expect(plumbing).rejects.toThrow('The wait of demo was cancelled.');
    await expect(knows).rejects.toThrow('It goes on.');
  });

  it('leaves the other tasks running; an id is used by one task at a time', async () => {
    const tasks = new TaskList();
    const [one, other] = [randomUUID(), randomUUID()];
    const first = until(tasks, one, new Error('one'));
    const second = until(tasks, other, new Error('other'));
    await expect(until(tasks, one, new Error('again'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    tasks.cancel(one);
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(tasks.list()).toMatchObject([{ id: other }]);
    tasks.cancelAll();
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
