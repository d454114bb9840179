import type { Command } from '@commander-js/extra-typings';
import { askMovedOrCopied, movedOrCopied } from '../moved-or-copied.ts';
import { examples, given, jsonShape, seconds, waitOption } from '../options.ts';
import { noteAll } from '../notes.ts';
import type { Session } from '../session.ts';
import { startedText } from '../started.ts';

export function define(program: Command, session: Session): void {
  program
    .command('start')
    .description(
      'Starts machines and waits until their guest agents answer. Suspended machines resume where they were.',
    )
    .argument('<name...>', 'names, ids or .vmx of machines')
    .addOption(waitOption())
    .option('--timeout <seconds>', 'how long to wait (default: 300)', seconds('--timeout'))
    .option('--discard-state', 'discard the suspended state and boot; unsaved data in the guest is lost')
    .option('--copied', 'the machine is a copy: give it a UUID and MAC addresses of its own')
    .option('--moved', 'the machine is the original: keep its UUID and MAC addresses')
    .option('--dry-run', 'print the command line of the engine without running it')
    .option(
      '--json',
      jsonShape('StartedMachine, an array of them for several names; with --dry-run LaunchPlan'),
    )
    .addHelpText(
      'after',
      examples('kame start demo', 'kame start web db --wait none', 'kame start demo --dry-run'),
    )
    .action(async (names, { wait, timeout, discardState, dryRun, ...identity }) => {
      if (dryRun === true) {
        await session.each(
          names,
          (name, { signal }) => session.client.machines.plan(name, { signal }),
          (plan) => ({ lines: plan.text.trimEnd() }),
        );
        return;
      }
      const body = given({ wait, timeoutMs: timeout, discardState, movedOrCopied: movedOrCopied(identity) });
      await session.each(
        names,
        (name, options) => session.client.machines.start(name, body, options),
        (machine) => {
          noteAll(session, machine.name, machine.notes ?? []);
          return startedText(machine);
        },
        async (error) => {
          const answer = await askMovedOrCopied(session, error);
          if (answer === undefined) return undefined;
          return (name, options) =>
            session.client.machines.start(name, { ...body, movedOrCopied: answer }, options);
        },
      );
    });
}
