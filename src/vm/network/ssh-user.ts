import { readCatalogue } from '../../image/catalogue.ts';
import { seedUser } from '../../image/seed/seed-user.ts';
import type { Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { readOwn } from '../../sys/own-file.ts';
import type { Host } from '../host/host.ts';

/** A seed of Kame has some kilobytes; another one may be larger, but is not read then. */
const maxSeedBytes = 4 * 1024 * 1024;

async function imageUser(host: Host, image: string): Promise<string | null> {
  const entries = await readCatalogue(host.names.catalogue).catch(() => []);
  return entries.find(({ id }) => id === image)?.user ?? null;
}

/** The user that cloud-init has made in a guest, as far as its seed says so; null otherwise. Never throws: it is only a default. */
export async function sshUserOf(host: Host, { names, content }: Bundle): Promise<string | null> {
  const { seed, image } = content?.model.kame ?? {};
  if (seed === undefined) return null;
  const bytes = await readOwn(resolveIn(names, seed), { maxBytes: maxSeedBytes }).catch(() => undefined);
  const user = bytes && seedUser(bytes);
  if (!user) return null;
  if (user.kind === 'named') return user.name;
  return image === undefined ? null : await imageUser(host, image);
}
