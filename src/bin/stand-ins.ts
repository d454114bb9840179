import { fileURLToPath } from 'node:url';

const fromSource = import.meta.url.endsWith('.ts');

/** The directory with the stand-ins for programs of VMware: that of the build, since they start its programs. */
export const standIns = fileURLToPath(new URL(fromSource ? '../../dist/compat' : 'compat', import.meta.url));
