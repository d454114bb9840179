import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idOf } from './machine-id.ts';

const uuid = '0f6c1f6e-8a53-4bd5-9c7a-0d8a4ab6d3d2';

describe('ids of machines', () => {
  it('are 32 capital letters and digits', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(idOf({ id, path: '' })).toMatch(/^[A-Z2-7]{32}$/u);
      }),
    );
  });

  it('stay the same for ever, wherever the machine is', () => {
    // Clients keep them: Terraform in its state, for example.
    expect(idOf({ id: uuid, path: '/a.vmx' })).toBe('QRW6LBVPRD44RDERB2YWVU6XAUKWLEIN');
    expect(idOf({ id: uuid.toUpperCase(), path: '/b.vmx' })).toBe(idOf({ id: uuid, path: '/a.vmx' }));
  });

  it('follow from the path of a machine that cannot be read', () => {
    expect(idOf({ id: '', path: '/a.vmx' })).not.toBe(idOf({ id: '', path: '/b.vmx' }));
  });
});
