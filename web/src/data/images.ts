import { useQuery } from '@tanstack/react-query';
import type { Image } from '../../../src/api/generated/shapes.ts';
import { client } from './client.ts';

/** The images that machines can be made from. */
export function useImages(): { images: readonly Image[] | undefined; error: unknown } {
  const { data, error } = useQuery({
    queryKey: ['images'],
    queryFn: async ({ signal }) => await client.images.list({ signal }),
    staleTime: 0,
  });
  return { images: data, error };
}
