import type { Schema } from '../../../src/qemu/qmp/schema.ts';
import type { Display3dOptions } from '../fake-display-3d.ts';
import type { EngineArguments } from './engine-arguments.ts';
import type { GuestOptions } from './guest.ts';
import type { Troubles } from './trouble.ts';

/** What a fake engine is given when it starts. */
export interface EngineOptions {
  readonly pid: number;
  readonly given: EngineArguments;
  readonly guest: GuestOptions;
  readonly schema: Schema;
  readonly troubles: Troubles;
  /** Reasons for which `query-migrate` says that the machine can't be saved. */
  readonly blockedReasons: readonly string[];
  /** The display that it has if it is started to test that. */
  readonly display3d: Display3dOptions;
  /** Opens no monitor at all. */
  readonly mute: boolean;
  /** Has the process do a line of shell. */
  readonly order: (line: string) => void;
}
