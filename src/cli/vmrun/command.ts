import type { KameClient } from '../../client/node/client.ts';

/** Who does something in a guest: `-gu` and `-gp`. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/** What a command line says, without its meaning. */
export interface Invocation {
  readonly command: Command;
  /** The path of the `.vmx` as written; undefined for commands without a machine. */
  readonly vmx: string | undefined;
  /** The values of the other arguments, in the order of the table; an optional one that is missing is not there. */
  readonly args: readonly string[];
  /** The words that were found, in lower case: `nogui`, `hard`, `-nowait`. */
  readonly words: ReadonlySet<string>;
  /** The values of options such as `-cloneName=NAME`, by their names in lower case. */
  readonly options: ReadonlyMap<string, string>;
  readonly login: Login | undefined;
}

/** What a command has to do its work. */
export interface Call extends Pick<Invocation, 'args' | 'words' | 'options' | 'login'> {
  readonly client: KameClient;
  /** The absolute path of the `.vmx`, by which the daemon knows the machine; empty for commands without a machine. */
  readonly machine: string;
  readonly signal: AbortSignal;
  /** The absolute form of a path of this computer. */
  readonly path: (text: string) => string;
}

/** Does what a command says. Returns the lines of standard output. @throws KameError, VmrunError */
export type Run = (call: Call) => Promise<readonly string[]>;

/** One command of vmrun. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Whether the first argument is the path of a `.vmx`. */
  readonly machine: boolean;
  /** Words that may stand before the arguments: `-noWait`. */
  readonly leading?: readonly string[];
  /** Labels of the arguments, as the usage text prints them. */
  readonly args?: readonly string[];
  /** How many of the last of them may be left out. */
  readonly optionalArgs?: number;
  /** Words that may follow, grouped as alternatives. Everything else that follows is ignored, as vmrun does. */
  readonly words?: readonly (readonly string[])[];
  /** Options with a value that may follow: `-cloneName` and the label of its value. */
  readonly options?: readonly (readonly [name: string, label: string])[];
  /** The label of all other arguments, which are passed on as they are. */
  readonly rest?: string;
  /** Loads what it does, only if it is used. */
  load(): Promise<Run>;
}

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly Command[];
}
