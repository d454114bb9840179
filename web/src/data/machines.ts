import { QueryClient, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { KameError } from '../../../src/core/errors.ts';
import { routes } from '../../../src/api/generated/routes.ts';
import type { KameEvent, Machine } from '../../../src/api/generated/shapes.ts';
import { ndjson } from '../../../src/api/protocol.ts';
import { readJsonLines } from '../../../src/client/core/ndjson.ts';
import { client, events } from './client.ts';
import { addEvent } from './host.ts';

const machinesQuery = {
  queryKey: ['machines'],
  queryFn: async ({ signal }: { readonly signal: AbortSignal }) => await client.machines.list({ signal }),
};

/** The machines are asked for after an event, and when a person comes back to the page, who may have repaired a file. */
export const queries = new QueryClient({
  defaultOptions: { queries: { retry: false, refetchOnWindowFocus: 'always', staleTime: Infinity } },
});

/** Asks for the machines if nobody has yet. Resolves when the answer is there, or there is none: whoever shows them says so. */
export async function firstMachines(): Promise<void> {
  await queries.query(machinesQuery).catch(() => undefined);
}

/** Asks for the machines again. */
export async function refresh(): Promise<void> {
  await queries.invalidateQueries({ queryKey: machinesQuery.queryKey });
}

export function useMachines(): { machines: readonly Machine[] | undefined; error: unknown } {
  const { data, error } = useQuery(machinesQuery);
  return { machines: data, error };
}

export type Connection = 'connecting' | 'live' | 'lost' | 'signed-out';

/** Milliseconds until the connection is tried again. */
const againMs = 1500;

/** Follows the events as long as there is a connection, and asks for the machines after each. */
async function follow(signal: AbortSignal, tell: (connection: Connection) => void): Promise<void> {
  const { chunks } = await events.send(routes['host.events'], {}, { accept: ndjson, signal });
  tell('live');
  // What happened before is not among the events. An answer that is on its way is shown first, not asked for again.
  await firstMachines();
  await refresh();
  for await (const event of readJsonLines(chunks)) {
    addEvent(event as KameEvent);
    void refresh();
  }
}

/** Keeps the machines current, until the session ends. */
export function useLive(): Connection {
  const [connection, setConnection] = useState<Connection>('connecting');
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const begin = () => {
      const again = (error?: unknown) => {
        if (ended.signal.aborted) return;
        const isOut = error instanceof KameError && error.code === 'SIGNED_OUT';
        setConnection(isOut ? 'signed-out' : 'lost');
        if (!isOut) timer = setTimeout(begin, againMs);
      };
      void follow(ended.signal, setConnection).then(() => again(), again);
    };
    begin();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, []);
  return connection;
}
