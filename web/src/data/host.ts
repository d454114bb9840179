import { useQuery } from '@tanstack/react-query';
import type { DaemonStatus, Doctor, KameEvent, Task } from '../../../src/api/generated/shapes.ts';
import { client } from './client.ts';
import { Store, useStore } from './store.ts';

/** What the doctor found. Accelerators are tested once; `fresh` in the page asks again. */
export function useDoctor(): {
  doctor: Doctor | undefined;
  error: unknown;
  again: () => void;
  isBusy: boolean;
} {
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ['doctor'],
    queryFn: async ({ signal }) => await client.host.doctor({}, { signal }),
    refetchOnWindowFocus: false,
  });
  return { doctor: data, error, again: () => void refetch(), isBusy: isFetching };
}

/** Milliseconds between two looks at the running tasks, which have no events. */
const tasksMs = 1000;

export function useTasks(): readonly Task[] {
  const { data } = useQuery({
    queryKey: ['tasks'],
    queryFn: async ({ signal }) => await client.tasks.list({ signal }),
    refetchInterval: tasksMs,
    staleTime: 0,
  });
  return data ?? [];
}

export function useDaemon(): DaemonStatus | undefined {
  const { data } = useQuery({
    queryKey: ['daemon'],
    queryFn: async ({ signal }) => await client.daemon.status({ signal }),
    refetchInterval: 5000,
    staleTime: 0,
  });
  return data;
}

/** The most events that the page remembers. */
const maxEvents = 200;

/** The last events since the page was opened, the latest first. */
const events = new Store<readonly KameEvent[]>([]);

export function addEvent(event: KameEvent): void {
  events.set([event, ...events.get()].slice(0, maxEvents));
}

export function useEvents(): readonly KameEvent[] {
  return useStore(events);
}
