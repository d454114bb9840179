import { poll } from '../../src/core/deadline.ts';
import { KameError, messageOf } from '../../src/core/errors.ts';
import type { KameClient } from '../../src/client/node/client.ts';
import type { Random } from './random.ts';
import { Violation } from './violation.ts';

/** What a guest holds that must not get lost: checksums as sha256sum prints them. */
export interface Content {
  /** Of the files on its disk, sorted. */
  readonly disk: string;
  /** Of a file in its memory; null after a boot. */
  readonly memory: string | null;
}

/** A guest that has just been started, on a host with other things to do, takes this long to answer at most. */
const answerDeadlineMs = 90_000;
const files = ['f0', 'f1', 'f2', 'f3', 'f4'];

async function execute(client: KameClient, machine: string, script: string): Promise<string> {
  let output = '';
  let errors = '';
  const end = await client.machines.exec(
    machine,
    { command: ['sh', '-c', script], timeoutMs: 60_000 },
    {
      output: (stream, data) => {
        if (stream === 'stdout') output += Buffer.from(data).toString('utf8');
        else errors += Buffer.from(data).toString('utf8');
        return Promise.resolve();
      },
    },
  );
  if (end.exitCode !== 0)
    throw new Violation('guest', `"${script}" ended with ${end.exitCode ?? end.signal}: ${errors}`);
  return output;
}

/** Runs a shell script in a guest as soon as its agent answers. @throws Violation when it does not in good time */
export async function inGuest(client: KameClient, machine: string, script: string): Promise<string> {
  let last: unknown;
  const output = await poll(
    async () => {
      try {
        return await execute(client, machine, script);
      } catch (error) {
        if (!(error instanceof KameError) || !error.code.startsWith('GUEST_')) throw error;
        last = error;
        return undefined;
      }
    },
    { deadlineMs: answerDeadlineMs, stepMs: 50 },
  );
  if (output === undefined) throw new Violation('agent', `${machine} does not answer: ${messageOf(last)}`);
  return output;
}

/** Writes all the time, so that no layer is quiet when something is done to it. Nobody looks at what it writes. */
const noise = `
if ! kill -0 "$(cat /run/noise.pid 2>/dev/null)" 2>/dev/null; then
  (i=0; while :; do
    dd if=/dev/urandom of=/var/noise bs=16k count=2 seek=$((i % 97)) conv=notrunc,fsync 2>/dev/null
    i=$((i + 31)); sleep 0.2
  done) </dev/null >/dev/null 2>&1 &
  echo $! >/run/noise.pid
fi`;

const sums = 'cd /var/faults && sha256sum f*; echo; sha256sum /run/faults-memory 2>/dev/null || true';

function contentOf(output: string): Content {
  const [disk = '', memory = ''] = output.split('\n\n');
  return { disk: disk.trim(), memory: memory.trim() === '' ? null : memory.trim() };
}

/** Changes some files of the guest, in memory too, and returns what is there now, synced. */
export async function writeContent(
  client: KameClient,
  machine: string,
  random: Random,
  withNoise: boolean,
): Promise<Content> {
  const lines = files
    .filter((_, index) => index === 0 || random.chance(0.5))
    .map((name) =>
      random.chance(0.5)
        ? `head -c ${random.between(1, 200_000)} /dev/urandom >/var/faults/${name}`
        : `dd if=/dev/urandom of=/var/faults/${name} bs=4k count=${random.between(1, 12)} seek=${random.between(0, 40)} conv=notrunc 2>/dev/null`,
    );
  const script = [
    'mkdir -p /var/faults',
    ...lines,
    'head -c 20000 /dev/urandom >/run/faults-memory',
    'sync',
    ...(withNoise ? [noise] : []),
    sums,
  ];
  return contentOf(await inGuest(client, machine, script.join('\n')));
}

/** What the guest has now, read from its disk and not from its cache of it. */
export async function readContent(client: KameClient, machine: string): Promise<Content> {
  return contentOf(await inGuest(client, machine, `echo 3 >/proc/sys/vm/drop_caches; ${sums}`));
}
