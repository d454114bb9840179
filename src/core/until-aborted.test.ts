import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { deferred } from './deferred.ts';
import { untilAborted } from './until-aborted.ts';

/** Frees what nothing holds, after the present task: until then, V8 keeps what a WeakRef has shown. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  await new Promise(setImmediate);
  (runInNewContext('gc') as () => void)();
}

it('keeps nothing of what has passed', async () => {
  const seen: WeakRef<Buffer>[] = [];
  async function* parts(): AsyncGenerator<Buffer> {
    for (let count = 0; count < 20; count += 1) {
      await Promise.resolve();
      yield Buffer.alloc(65_536);
    }
  }
  const passing = untilAborted(parts(), new AbortController().signal);
  for (let count = 0; count < 10; count += 1) {
    const next = await passing.next();
    seen.push(new WeakRef(next.value as Buffer));
  }
  await collectGarbage();
  // The last ones may still be held by the turn that gave them.
  expect(seen.slice(0, 8).filter((each) => each.deref() !== undefined)).toEqual([]);
  await passing.return(undefined);
});

it('throws the reason at once, though the source gives nothing', async () => {
  const stop = new AbortController();
  const never = deferred();
  async function* stalls(): AsyncGenerator<number> {
    yield 1;
    await never.promise;
  }
  const passing = untilAborted(stalls(), stop.signal);
  expect(await passing.next()).toEqual({ done: false, value: 1 });
  const next = passing.next();
  stop.abort(new Error('enough'));
  await expect(next).rejects.toThrow('enough');
  never.resolve();
});

it('passes on what the source throws', async () => {
  async function* fails(): AsyncGenerator<number> {
    yield 1;
    throw await Promise.resolve(new Error('broken'));
  }
  const passing = untilAborted(fails(), new AbortController().signal);
  await passing.next();
  await expect(passing.next()).rejects.toThrow('broken');
});
