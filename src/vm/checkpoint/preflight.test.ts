import { expect, it } from 'vitest';
import { diskMachine } from '../../../test/support/disk-machine.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { refuseIndependentDisks } from './preflight.ts';

const directory = useTemporaryDirectory();

it('refuses memory beside independent disks, by name and with what to do', async () => {
  const { host, vmx } = diskMachine(directory(), ['nvme0:0.mode = "independent-persistent"']);
  const file = await host.files.read(vmx);
  expect(() => refuseIndependentDisks(file)).toThrow(
    expect.objectContaining({
      code: 'CHECKPOINT_BLOCKED',
      message: expect.stringMatching(/^demo has independent disks.*: nvme0:0\.$/) as string,
      next: expect.stringContaining('kame set demo nvme0:0.mode=persistent') as string,
    }) as Error,
  );
});

it('takes all others', async () => {
  const { host, vmx } = diskMachine(directory());
  const file = await host.files.read(vmx);
  expect(() => refuseIndependentDisks(file)).not.toThrow();
});
