import { useQuery } from '@tanstack/react-query';
import type { StoredUpload } from '../../../src/api/generated/shapes.ts';
import { client } from './client.ts';
import { queries } from './machines.ts';

/** What was sent to the daemon and is not imported yet. */
export function useUploads(): readonly StoredUpload[] {
  const { data } = useQuery({
    queryKey: ['uploads'],
    queryFn: async ({ signal }) => await client.uploads.list({ signal }),
    staleTime: 0,
  });
  return data ?? [];
}

/** Asks for them again. */
export async function refreshUploads(): Promise<void> {
  await queries.invalidateQueries({ queryKey: ['uploads'] });
}
