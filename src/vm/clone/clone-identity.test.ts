import { describe, expect, it } from 'vitest';
import { cloneBody } from '../../../test/support/bodies.ts';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { operationThat } from '../../../test/support/fake-tools.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { identityStepNames } from '../../guest/identity/script.ts';
import { clone } from './clone.ts';

const world = useWorld();
const make = async (body: { count: number; keepIdentity?: boolean }) =>
  await clone(world().host, 'demo', cloneBody({ ...body, name: 'c', kind: 'instant' }), quiet);

/** A machine that runs, and what the guests of its clones will be asked for, in order. */
async function running(): Promise<string[]> {
  const asked: string[] = [];
  const report = identityStepNames(1).map((name) => `${name}=ok`);
  const onFrame = operationThat(({ operation = '', leaseWithin }) => {
    asked.push(typeof leaseWithin === 'number' ? `${String(operation)} ${leaseWithin}` : String(operation));
    return { result: { report: report.join('\n'), now: Date.now() } };
  });
  const addresses = () => {
    asked.push('addresses');
    return { value: usualGuest.interfaces };
  };
  world().machine();
  await world().start('demo', { wait: 'network' });
  world().engines.guest = {
    ...usualGuest,
    tools: { onFrame },
    handlers: { 'guest-network-get-interfaces': addresses },
  };
  return asked;
}

describe('the guests of instant clones', () => {
  it('are asked for their addresses when they have their identity', async () => {
    const asked = await running();
    await make({ count: 1 });
    await until(() => asked.includes('addresses'));
    expect(asked).toEqual(['identity 0', 'addresses']);
  });

  it('tell their DHCP clients when all have their names', async () => {
    const asked = await running();
    await make({ count: 3 });
    await until(() => asked.filter((each) => each === 'renewLeases').length === 3);
    expect(asked.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'identity 10000'));
  });

  it('do not announce the addresses of their source when they go on', async () => {
    await running();
    await make({ count: 1 });
    expect(world().engines.of('c').migration.announceRounds).toBe(0);
  });

  it('are left alone when they keep the identity of their source', async () => {
    const asked = await running();
    await make({ count: 1, keepIdentity: true });
    await until(() => asked.includes('addresses'));
    expect(asked).toEqual(['addresses']);
  });
});
