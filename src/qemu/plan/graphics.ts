import { familyOfGuestOs } from '../../model/guest-os.ts';
import { displays3d } from '../graphics/offer.ts';
import { rendererText, type RenderingVerdict } from '../graphics/verdict.ts';
import type { PlanBuilder } from './builder.ts';
import type { PlannedGraphics } from './types.ts';

/** The memory of the host that a guest may map for Vulkan, which takes none until it is used. */
const mappedMemory = '1G';

/** Why a machine that wants 3D does not get it, as a whole sentence. */
function objection(builder: PlanBuilder, verdict: RenderingVerdict | undefined): string | undefined {
  const { model, restore } = builder.input;
  if (familyOfGuestOs(model.guestOS) === 'windows') return 'There is no driver for Windows.';
  // Only a display without 3D can have been saved.
  if (restore === true) return 'The saved state is that of a display without it.';
  if (!verdict) return 'It was not tested on this host.';
  return verdict.works ? undefined : verdict.reason;
}

/** QEMU does not save what a renderer holds (hw/display/virtio-gpu-base.c, 7.2 and 10.0). */
function blockCheckpoints(builder: PlanBuilder): void {
  builder.blocks({
    device: 'video0, a display with 3D acceleration',
    reason: 'QEMU cannot save the state of its renderer.',
    remedy: `After a stop, kame set ${builder.input.model.displayName} 3d=off gives it a display that can be saved.`,
  });
}

/** What became of the wish for 3D; null for a machine that does not want it. */
export function planGraphics(builder: PlanBuilder): PlannedGraphics | null {
  const { model, rendering } = builder.input;
  if (!model.display.present || !model.display.accelerate3d) return null;
  const reason = objection(builder, rendering);
  if (reason !== undefined || !rendering?.works) {
    const note = `The display has no 3D acceleration. ${reason ?? ''}`;
    builder.note(note);
    return { accelerated: false, note };
  }
  const cost =
    'The machine cannot be suspended, nor have snapshots with memory or instant clones, while 3D acceleration is on.';
  const note = `The display has 3D acceleration: ${rendererText(rendering)}. ${cost}`;
  builder.note(note);
  blockCheckpoints(builder);
  return { accelerated: true, note };
}

/** The video device that renders in 3D; Vulkan needs memory of the host that the guest can map (docs of QEMU on Venus). */
export function display3d(builder: PlanBuilder): { readonly driver: string; readonly more: object } {
  const { capabilities, rendering } = builder.input;
  const venus = rendering?.works === true && rendering.vulkan;
  return {
    driver: displays3d[capabilities.arch],
    more: venus ? { blob: true, venus: true, hostmem: mappedMemory } : {},
  };
}
