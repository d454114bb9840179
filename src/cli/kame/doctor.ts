import type { Command } from '@commander-js/extra-typings';
import type { DoctorCheck } from '../../api/messages.ts';
import { examples, jsonShape } from '../options.ts';
import type { Colour, Session } from '../session.ts';

const colours: Record<DoctorCheck['status'], Colour> = { ok: 'green', warning: 'yellow', failed: 'red' };
const hostProblem = 5;

export function define(program: Command, session: Session): void {
  program
    .command('doctor')
    .description(
      'Checks the engine, its firmware, the accelerators, 3D and the directories. The exit code is 5 if a check failed.',
    )
    .option('--fresh', 'test the accelerators and 3D again instead of using earlier results')
    .option('--json', jsonShape('Doctor'))
    .addHelpText(
      'after',
      examples(
        'kame doctor',
        'kame doctor --fresh',
        `kame doctor --json | jq '.checks[] | select(.status != "ok")'`,
      ),
    )
    .action(async ({ fresh = false }) => {
      const doctor = await session.task('doctor', (options) =>
        session.client.host.doctor({ fresh }, options),
      );
      if (!doctor.ok) session.exitCode = hostProblem;
      if (session.json) {
        session.printJson(doctor);
        return;
      }
      session.printTable(
        ['CHECK', 'STATUS', 'FOUND'],
        doctor.checks.map(({ name, status, message }) => [
          name,
          { text: status, paint: session.paint(colours[status]) },
          message,
        ]),
      );
      for (const { name, next } of doctor.checks) if (next !== undefined) session.print(`${name}: ${next}`);
    });
}
