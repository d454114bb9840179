import { poll } from '../../src/core/deadline.ts';

/** A guest in which shell lines can be run. */
type Shell = { sh(line: string): Promise<string> };

/** Guest's time less the host's in seconds; a reading that takes long can't make it small. */
async function clockOffset(guest: Shell): Promise<number> {
  const before = Date.now();
  // Its `date` prints whole seconds; the time of a file is exact.
  const time = await guest.sh('touch /run/now && TZ=UTC stat -c %y /run/now');
  const after = Date.now();
  const [, day, clock] = /^(\S+) (\d+:\d+:\d+\.\d{3})/.exec(time) ?? [];
  const seen = Date.parse(`${day}T${clock}Z`);
  if (seen < before) return (seen - before) / 1000;
  return seen > after ? (seen - after) / 1000 : 0;
}

/** Sets the guest's clock to the start of the year 2001, which no restored guest may show for long. */
export async function setClockWrong(guest: Shell): Promise<void> {
  await guest.sh("date -s '2001-01-01 00:00:00' >/dev/null");
}

/** Waits until the guest's clock is right: less than a second off. */
export async function clockIsRight(guest: Shell): Promise<boolean> {
  const right = async () => (Math.abs(await clockOffset(guest)) < 1 ? true : undefined);
  return (await poll(right, { deadlineMs: 30_000 })) ?? false;
}
