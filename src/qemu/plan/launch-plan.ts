import { KameError } from '../../core/errors.ts';
import { attachMachine } from './boot.ts';
import { PlanBuilder } from './builder.ts';
import { attachGuestPorts, attachMonitors, attachSerial } from './channels.ts';
import { attachControllers } from './controllers.ts';
import { attachDisplay } from './display.ts';
import { attachDrives } from './drives.ts';
import {
  addNotes,
  attachClock,
  attachHelpers,
  attachIdentity,
  attachSound,
  attachTransfer,
} from './extras.ts';
import { attachFloppies } from './floppies.ts';
import { attachInput } from './input.ts';
import { chooseMachineType, familyOf, type MachineFamily } from './machine-type.ts';
import { attachMemory } from './memory.ts';
import { hardwareOf } from './netdevs.ts';
import { attachNics } from './nics.ts';
import { attachProcessor, cpuModel } from './processor.ts';
import { pidFileIn, socketsIn } from './sockets.ts';
import type { LaunchPlan, PlanInput, PlanOption } from './types.ts';

/** Converts options to program arguments. */
export function argumentsOf(options: readonly PlanOption[]): string[] {
  return options.flatMap(({ name, value }) => {
    if (value === undefined) return [name];
    return [name, typeof value === 'string' ? value : JSON.stringify(value)];
  });
}

function checkArch(input: PlanInput): void {
  const { capabilities, model } = input;
  if (capabilities.arch !== model.arch) {
    throw new KameError(
      'INTERNAL',
      `${capabilities.binary} emulates ${capabilities.arch}, but the machine is ${model.arch}.`,
    );
  }
  if (!capabilities.accelerators.includes(input.accelerator.kind)) {
    throw new KameError(
      'ENGINE_TOO_OLD',
      `${capabilities.binary} was built without ${input.accelerator.kind}.`,
      {
        next: 'Set kame.accelerator to auto.',
      },
    );
  }
}

/**
 * Plans how to start a machine, from its model, the capabilities of the engine, and facts about the host. Pure.
 * @throws KameError INVALID_VALUE for an unsupported setting, ENGINE_TOO_OLD for a missing feature of the engine,
 * ENGINE_MISSING without firmware, HOST_PROBLEM for too little memory or socket paths that are too long
 */
export function launchPlan(input: PlanInput): LaunchPlan {
  checkArch(input);
  const machine = chooseMachineType(input.model, input.capabilities);
  const sockets = socketsIn(input.paths.run, input.host.os);
  const builder = new PlanBuilder(input, machine.name, familyOf(machine.name) as MachineFamily, sockets);
  const pidFile = pidFileIn(input.paths.run);

  attachIdentity(builder);
  builder.option('pidfile', pidFile);
  if (input.restore) builder.option('S');
  if (input.restore) builder.option('incoming', 'defer');
  attachMachine(builder);
  attachProcessor(builder, machine.maxCpus);
  attachMemory(builder);
  attachClock(builder);
  attachMonitors(builder);
  attachSerial(builder);
  const graphics = attachDisplay(builder);
  attachInput(builder);
  attachGuestPorts(builder);
  attachHelpers(builder);
  attachTransfer(builder);
  attachSound(builder);
  attachNics(builder);
  attachControllers(builder);
  attachDrives(builder);
  attachFloppies(builder);
  addNotes(builder);

  return {
    name: input.model.displayName,
    binary: input.capabilities.binary,
    options: builder.options,
    args: argumentsOf(builder.options),
    files: builder.files,
    sockets,
    pidFile,
    setup: builder.setup,
    afterLoad: builder.afterLoad,
    machineType: machine.name,
    hardware: hardwareOf(input.model),
    networks: builder.networks,
    cpu: cpuModel(builder),
    ram: input.ram ?? null,
    restores: input.restore === true,
    resetEnds: input.restore === true && input.model.kame.directBoot !== undefined,
    accelerator: input.accelerator.kind,
    reason: input.accelerator.reason,
    notes: builder.notes,
    blockers: builder.blockers,
    graphics,
  };
}
