import { readdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';

/** The names of the network interfaces of this host, also of those that have no address, without its loopback interface. */
export async function interfaceNames(): Promise<string[]> {
  const addressed = Object.entries(networkInterfaces());
  const internal = new Set(
    addressed.flatMap(([name, list]) => (list?.every((one) => one.internal) === true ? [name] : [])),
  );
  // Linux: bridges and taps often have no address, and os.networkInterfaces() leaves them out.
  const all = await readdir('/sys/class/net').catch(() => addressed.map(([name]) => name));
  return all.filter((name) => !internal.has(name)).sort();
}
