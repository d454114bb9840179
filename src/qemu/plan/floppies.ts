import { attachedFloppies } from '../../model/floppies.ts';
import { hasDevice } from '../capabilities/capabilities.ts';
import type { PlanBuilder } from './builder.ts';
import { bootIndex } from './drives.ts';
import { attachIso } from './layers.ts';

/** The bus of the floppy drives. The older PC has the controller, q35 needs one; it also has the boot index. */
function floppyBus(builder: PlanBuilder): string {
  const { bootindex } = bootIndex(builder, 'floppy', 0);
  if (builder.family === 'i440fx') {
    if (bootindex !== undefined)
      builder.option('global', `driver=isa-fdc,property=bootindexA,value=${bootindex}`);
    return 'floppy-bus.0';
  }
  builder.device({
    driver: 'isa-fdc',
    id: 'fdc0',
    ...(bootindex === undefined ? {} : { bootindexA: bootindex }),
  });
  return 'fdc0.0';
}

/** Floppy drives of a PC. They are write-protected, because no snapshot has their content. */
export function attachFloppies(builder: PlanBuilder): void {
  const floppies = attachedFloppies(builder.input.model);
  if (floppies.length === 0) return;
  const missing = ['floppy', 'isa-fdc'].find((driver) => !hasDevice(builder.input.capabilities, driver));
  if (missing !== undefined) {
    builder.note(`No floppy drive is attached: this QEMU was built without the device ${missing}.`);
    return;
  }
  const bus = floppyBus(builder);
  for (const { index, fileName } of floppies) {
    const drive = attachIso(builder, builder.resolve(fileName), `floppy-${index}`);
    builder.device({ driver: 'floppy', id: `drive-floppy${index}`, bus, unit: index, drive });
    builder.note(`floppy${index} is write-protected: snapshots do not have its content.`);
  }
}
