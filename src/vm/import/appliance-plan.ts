import { randomUUID } from 'node:crypto';
import { KameError } from '../../core/errors.ts';
import { networkNamed, type NicNetwork } from '../../model/device-settings.ts';
import { refuseProblems } from '../../model/problem.ts';
import { protectionOf } from '../../model/protected-keys.ts';
import { readModel } from '../../model/read.ts';
import { validateModel } from '../../model/validate.ts';
import { createDocument, specChanges } from '../../model/write.ts';
import type { Appliance } from '../../ovf/descriptor.ts';
import { machineOf } from '../../ovf/machine.ts';
import type { VmwareConfig } from '../../ovf/sections.ts';
import { edit, foldKey, type VmxDocument } from '../../vmx/document.ts';
import { writeContent } from './appliance-content.ts';
import type { OpenAppliance } from './members.ts';
import { environmentKey, environmentOf, type Environment } from './ovf-environment.ts';
import { originKey, type ImportPlan } from './plan.ts';

const maxExtraConfigs = 500;

/** @throws KameError INVALID_VALUE, also for a network that the appliance does not have */
function networkMap(
  appliance: Appliance,
  wanted: Readonly<Record<string, string>> = {},
): Map<string, NicNetwork> {
  const used = appliance.items.flatMap(({ connection }) => connection ?? []);
  const known = new Set([...appliance.networks, ...used]);
  return new Map(
    Object.entries(wanted).map(([name, text]) => {
      if (known.has(name)) return [name, networkNamed('network', text)];
      throw new KameError('INVALID_VALUE', `The appliance has no network ${JSON.stringify(name)}.`, {
        next: `Its networks are: ${[...known].map((other) => JSON.stringify(other)).join(', ') || 'none'}.`,
      });
    }),
  );
}

/** Adds keys of VMware, but none that changes what the machine is, or names a file. */
function withExtraConfigs(
  document: VmxDocument,
  configs: readonly VmwareConfig[],
): { readonly document: VmxDocument; readonly ignored: readonly string[] } {
  const { model } = readModel(document);
  const ignored: string[] = [];
  let result = document;
  for (const { key, value } of configs.slice(0, maxExtraConfigs)) {
    try {
      const changed = edit(result, new Map([[key, value]]));
      const isHarmless =
        protectionOf(foldKey(key)) === undefined && specChanges(model, readModel(changed).model).size === 0;
      if (isHarmless) result = changed;
      else ignored.push(key);
    } catch (error) {
      // A key or value that no .vmx can have.
      if (!(error instanceof KameError)) throw error;
      ignored.push(key);
    }
  }
  return { document: result, ignored: [...ignored, ...configs.slice(maxExtraConfigs).map(({ key }) => key)] };
}

function documentOf(
  { model, text }: Environment,
  appliance: Appliance,
  origin: string | undefined,
): { readonly document: VmxDocument; readonly notes: readonly string[] } {
  const { document, ignored } = withExtraConfigs(createDocument(model), appliance.extraConfigs);
  const own = new Map<string, string>();
  if (origin !== undefined) own.set(originKey, origin);
  if (text !== undefined) own.set(environmentKey, text);
  const notes =
    ignored.length === 0 ? [] : [`These keys of VMware are left out: ${ignored.join(', ').slice(0, 500)}.`];
  return { document: edit(document, own), notes };
}

export interface ApplianceRequest {
  readonly name: string;
  /** Networks for those of the appliance, by name. */
  readonly networks?: Readonly<Record<string, string>>;
  /** What is recorded as the original: a path or URL; undefined if it came through a pipe. */
  readonly origin: string | undefined;
}

/**
 * Plans the import of an appliance, from its descriptor alone.
 * @throws KameError BAD_IMAGE naming what cannot be honoured, INVALID_VALUE
 */
export function planAppliance(
  open: OpenAppliance,
  appliance: Appliance,
  { name, networks, origin }: ApplianceRequest,
): ImportPlan {
  const map = networkMap(appliance, networks);
  const machine = machineOf(`${open.label}: ${open.name}`, appliance, {
    name,
    uuid: randomUUID(),
    networks: map,
  });
  const environment = environmentOf(appliance, machine.model);
  refuseProblems(validateModel(environment.model));
  const { document, notes } = documentOf(environment, appliance, origin);
  const disks = machine.media.flatMap(({ slot, disk, file }) =>
    disk
      ? [{ slot, sizeBytes: disk.capacityBytes, inPlace: false, ...(file ? { path: file.href } : {}) }]
      : [],
  );
  const report = {
    name,
    source: open.label,
    disks,
    eulas: [...appliance.eulas],
    notes: [...machine.notes, ...notes, ...environment.notes],
  };
  return {
    report,
    recipe: {
      name,
      document,
      files: environment.files,
      disks: machine.media.flatMap(({ fileName, disk, file }) =>
        disk && !file ? [{ fileName, from: 'nothing' as const, sizeBytes: disk.capacityBytes }] : [],
      ),
      fill: async (directory, progress, startInflater) => {
        const target = { directory, startInflater };
        report.notes.push(...(await writeContent(open, machine.media, target, progress)));
      },
    },
  };
}
