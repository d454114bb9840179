import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { someInput, someModel } from '../../../test/support/plan-inputs.ts';
import type { MachineModel } from '../../model/machine.ts';
import { displays3d } from '../graphics/offer.ts';
import type { RenderingVerdict } from '../graphics/verdict.ts';
import { formatPlan } from './format.ts';
import { launchPlan } from './launch-plan.ts';
import type { LaunchPlan, PlanInput } from './types.ts';

const works = {
  works: true,
  renderer: { name: 'Mesa Intel(R) Graphics', openGl: '4.6' },
  vulkan: false,
  at: '2026-01-01T00:00:00.000Z',
} as const satisfies RenderingVerdict;
const pc = { arch: 'x86_64', guestOS: 'debian12-64' } as const;

/** The plan of a machine that wants 3D. */
function plan(more: Partial<PlanInput> = {}, changes: Partial<MachineModel> = {}): LaunchPlan {
  const model = someModel(changes);
  const display = { ...model.display, accelerate3d: true };
  return launchPlan({ ...someInput({ model: { ...model, display } }), rendering: works, ...more });
}

function driversOf({ options }: LaunchPlan): string[] {
  return options.flatMap(({ value }) =>
    typeof value === 'object' && 'driver' in value ? [String(value.driver)] : [],
  );
}

describe('3D', () => {
  it.each([
    ['arm', {}, works],
    ['x86', pc, works],
    ['arm-vulkan', {}, { ...works, vulkan: true }],
  ] as const)('on %s is as reviewed', (name, changes, rendering) => {
    const text = formatPlan(plan({ rendering }, changes));
    expect(text).toBe(golden(`plan/3d-${name}.txt`, text));
  });

  it('is told with what renders and what it costs, and blocks checkpoints', () => {
    const { graphics, notes, blockers } = plan();
    expect(graphics).toEqual({
      accelerated: true,
      note: 'The display has 3D acceleration: OpenGL 4.6 by Mesa Intel(R) Graphics. The machine cannot be suspended, nor have snapshots with memory or instant clones, while 3D acceleration is on.',
    });
    expect(notes).toContain(graphics?.note);
    expect(blockers).toEqual([
      {
        device: 'video0, a display with 3D acceleration',
        reason: 'QEMU cannot save the state of its renderer.',
        remedy: 'After a stop, kame set demo 3d=off gives it a display that can be saved.',
      },
    ]);
  });

  it.each([
    ['nobody has tested it', { rendering: undefined }, {}, 'It was not tested on this host.'],
    ['it does not work', { rendering: { works: false, reason: 'No GPU.' } }, {}, 'No GPU.'],
    ['the state of a display is restored', { restore: true }, {}, /saved state/],
    ['the guest is Windows', {}, { guestOS: 'arm-windows11-64' }, /no driver for Windows/],
  ] as const)('is left out where %s, and the plan says why', (_what, more, changes, reason) => {
    const planned = plan(more as Partial<PlanInput>, changes);
    expect(planned.graphics?.accelerated).toBe(false);
    expect(planned.graphics?.note).toMatch(reason);
    expect(planned.notes).toContain(planned.graphics?.note);
    expect(planned.blockers).toEqual([]);
    expect(driversOf(planned)).not.toContain(displays3d.aarch64);
    expect(planned.args[planned.args.indexOf('-display') + 1]).toBe('none');
  });

  it('is not spoken of to a machine that does not want it, or has no display', () => {
    expect(launchPlan({ ...someInput({}), rendering: works }).graphics).toBeNull();
    const { display } = someModel();
    const without = someModel({ display: { ...display, present: false, accelerate3d: true } });
    expect(launchPlan(someInput({ model: without }))).toMatchObject({ graphics: null, blockers: [] });
  });
});
