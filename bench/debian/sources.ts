import { mirrorAddress } from '../../src/image/debian/archive.ts';
import { mustRun } from './tools.ts';

export const suite = 'bookworm';
const suites = [suite, `${suite}-updates`, `${suite}-security`];

/** The apt settings of the host that may be needed to reach and trust its mirrors. */
const settings = [
  'Acquire::http::Proxy',
  'Acquire::https::Proxy',
  'Acquire::Check-Valid-Until',
  'Acquire::Check-Date',
];

/**
 * Lines of a sources.list for the packages of the guest: KAME_DEBIAN_MIRROR if it is set, otherwise the sources of the
 * host for Debian 12, otherwise the mirror of Debian.
 * @throws KameError INVALID_VALUE when KAME_DEBIAN_MIRROR is not a URL, and any error of `mustRun`
 */
export async function sourceLines(signal: AbortSignal): Promise<string[]> {
  const format = '$(ORIGIN) $(RELEASE) $(COMPONENT) $(REPO_URI)';
  const targets = await mustRun(
    signal,
    'apt-get',
    'indextargets',
    '--format',
    format,
    'Created-By: Packages',
  );
  const hosts = targets
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([origin, release = '']) => origin === 'Debian' && suites.includes(release))
    .map(([, release, component, uri]) => `deb ${uri} ${release} ${component}`);
  const basic = hosts.some((line) => line.endsWith(` ${suite} main`));
  if (basic && process.env['KAME_DEBIAN_MIRROR'] === undefined) return [...new Set(hosts)];
  return suites.slice(0, 2).map((release) => `deb ${mirrorAddress(undefined)} ${release} main`);
}

/** These apt settings of the host as text for apt.conf. */
export async function aptSettings(signal: AbortSignal): Promise<string> {
  return await mustRun(signal, 'apt-config', 'dump', '--format', '%f "%v";%n', ...settings);
}
