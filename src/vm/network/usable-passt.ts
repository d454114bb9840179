import { findPasst, type EngineSearch, type FoundPasst } from '../../qemu/capabilities/find-engine.ts';
import { run } from '../../sys/process.ts';

/**
 * The date of the first release that is known to serve half-closed connections: once the guest had sent everything, that of
 * 2023 sent it the answer again and again.
 */
const oldest = 20_250_911;

/** Asked once for each program. */
const dates = new Map<string, number>();

/** The date in a version such as `2025_09_11.623dbf6` or `0.0~git20250911.623dbf6-1`, as a number; 0 without. */
export function releaseDate(version: string): number {
  const [, year, month, day] = /(20\d\d)[_-]?(\d\d)[_-]?(\d\d)/.exec(version) ?? [];
  return Number(`${year ?? ''}${month ?? ''}${day ?? ''}`);
}

async function dateOf(program: string): Promise<number> {
  const known = dates.get(program);
  if (known !== undefined) return known;
  const date = await run(program, ['--version']).then(
    ({ stdout }) => releaseDate(stdout),
    () => 0,
  );
  dates.set(program, date);
  return date;
}

/** The passt of this host, if it is asked for and new enough. One that KAME_PASST names is used whatever its version. */
export async function usablePasst(search: EngineSearch): Promise<FoundPasst> {
  const found = await findPasst(search);
  const isNamed = search.env['KAME_PASST'] !== 'on';
  if ('none' in found || isNamed || (await dateOf(found.program)) >= oldest) return found;
  return { none: 'passt is older than that of September 2025, or does not tell its version' };
}
