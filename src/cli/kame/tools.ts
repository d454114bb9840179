import type { Command } from '@commander-js/extra-typings';
import type { Session } from '../session.ts';

export function define(_program: Command, _session: Session): void {}
