import { version } from '../../core/version.ts';

/** The version of VMware's program that this one stands for. Clients ask for 1.2.0 or newer. */
export const vmrestVersion = '1.3.1';

/** The line that tells it, as clients read it. */
export const versionLine = `vmrest ${vmrestVersion} build-0 (Kame ${version}, not VMware)`;
