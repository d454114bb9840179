/** Reads what guest/agent/operate.sh prints into what kame-tools would have sent, which is then checked in the same way. */

const octalType: Readonly<Record<number, string>> = {
  0o14: 'socket',
  0o12: 'link',
  0o10: 'file',
  0o6: 'block',
  0o4: 'directory',
  0o2: 'character',
  0o1: 'pipe',
};
const typeShift = 12;
const modeMask = 0o7777;

/** A line of `stat -c '%f %u %g %s %Y %U %G'`. */
function statLine(line: string, name: string, target: string): object {
  const [raw = '', uid = '', gid = '', size = '', time = '', user = '', group = ''] = line.split(' ');
  const mode = Number.parseInt(raw, 16);
  return {
    name,
    type: octalType[mode >> typeShift] ?? 'other',
    sizeBytes: Number(size),
    mode: mode & modeMask,
    uid: Number(uid),
    gid: Number(gid),
    user: user === 'UNKNOWN' ? uid : user,
    group: group === 'UNKNOWN' ? gid : group,
    modified: Number(time) * 1000,
    ...(target === '' ? {} : { target }),
  };
}

/** Lines up to an empty one, and what follows it. */
function sections(reply: Buffer): readonly [string[], Buffer] {
  if (reply[0] === 0x0a) return [[], reply.subarray(1)];
  const end = reply.indexOf('\n\n');
  const head = reply.subarray(0, end < 0 ? reply.length : end).toString('utf8');
  return [
    head.split('\n').filter((line) => line !== ''),
    end < 0 ? Buffer.alloc(0) : reply.subarray(end + 2),
  ];
}

/** The most that is listed; of one more it is known that there are more. */
export const mostListed = 10_000;

/** A list of files; undefined if one of them was added or removed meanwhile. */
export function filesOf(reply: Buffer): { readonly entries: object[]; readonly more: boolean } | undefined {
  const [lines, rest] = sections(reply);
  const words = rest.toString('utf8').split('\0');
  if (words.length !== 2 * lines.length + 1) return undefined;
  const entries = lines.map((line, at) => ({
    name: words[2 * at] ?? '',
    entry: statLine(line, words[2 * at] ?? '', words[2 * at + 1] ?? ''),
  }));
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  entries.sort((a, b) => order(a.name, b.name));
  return {
    entries: entries.slice(0, mostListed).map(({ entry }) => entry),
    more: entries.length > mostListed,
  };
}

/** Lines of /proc/PID/stat, before them the time of the boot, and after an empty line the owners. */
export function processesOf(reply: Buffer): object {
  const [[boot = '0', ...lines], rest] = sections(reply);
  const owners = new Map(
    rest
      .toString('utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .map(([path = '', uid = '', user = '']) => [path.replace('/proc/', ''), { uid, user }] as const),
  );
  const processes = lines.flatMap((line) => {
    const [, pid = '', name = '', fields = ''] = /^(\d+) \((.*)\) (.*)$/u.exec(line) ?? [];
    const owner = owners.get(pid);
    return owner ? [processOf({ pid, name, ...owner }, fields.split(' '), Number(boot))] : [];
  });
  return { processes: processes.slice(0, mostListed), more: processes.length > mostListed };
}

/** Where fields of /proc/PID/stat are, from the state on; see proc(5). */
const at = { state: 0, parent: 1, user: 11, system: 12, start: 19, resident: 21 } as const;
/** The kernel tells times in hundredths of a second. */
const tickMs = 10;
/** What nearly all kernels have. */
const pageBytes = 4096;

function processOf(
  { pid, name, uid, user }: Readonly<Record<'pid' | 'name' | 'uid' | 'user', string>>,
  fields: readonly string[],
  boot: number,
): object {
  const number = (field: keyof typeof at): number => Number(fields[at[field]] ?? Number.NaN);
  return {
    pid: Number(pid),
    parent: number('parent'),
    uid: Number(uid),
    user: user === 'UNKNOWN' ? uid : user,
    name,
    command: null,
    state: fields[at.state] ?? '',
    started: boot * 1000 + number('start') * tickMs,
    cpuMs: (number('user') + number('system')) * tickMs,
    memoryBytes: number('resident') * pageBytes,
  };
}

/** Lines of passwd(5). */
export function accountsOf(reply: Buffer): object {
  const lines = reply
    .toString('utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const accounts = lines
    .filter(({ length }) => length >= 7)
    .map(([name, _password, uid, gid, _about, home, shell]) => ({
      name,
      uid: Number(uid),
      gid: Number(gid),
      home,
      shell,
    }));
  return { accounts: accounts.slice(0, mostListed), more: accounts.length > mostListed };
}

/** Variables, each with a NUL after it. */
export function variablesOf(reply: Buffer): object {
  const pairs = reply
    .toString('utf8')
    .split('\0')
    .filter((text) => text.indexOf('=') > 0)
    .map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const);
  // A Map keeps a name such as __proto__ harmless; fromEntries defines it as an own property.
  return { variables: Object.fromEntries(pairs) };
}
