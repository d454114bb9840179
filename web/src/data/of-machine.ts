import { useQuery } from '@tanstack/react-query';

/** A request that is made again after each event of a machine. */
export function useOfMachine<T>(
  id: string,
  what: readonly (string | number)[],
  ask: (signal: AbortSignal) => Promise<T>,
) {
  return useQuery({ queryKey: ['machines', id, ...what], queryFn: async ({ signal }) => await ask(signal) });
}
