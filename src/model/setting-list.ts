import { boot, cdrom, guestOs, mac, network } from './device-settings.ts';
import { folderForm, folderNamed } from './folder.ts';
import { asInteger, asSizeIn, asText, choice, invalid, one, onOff, type Setting } from './setting.ts';

/** The settings of `kame set`, in the order of --help. An empty value restores the default. */
export const settingList: readonly Setting[] = [
  one(
    { name: 'cpus', what: 'virtual processors', key: 'numvcpus', form: '1 to 32', example: '4' },
    asInteger,
  ),
  one(
    {
      name: 'cores-per-socket',
      what: 'cores in each socket',
      key: 'cpuid.coresPerSocket',
      form: 'a divisor of cpus',
      example: '2',
    },
    asInteger,
  ),
  one(
    { name: 'memory', what: 'memory', key: 'memsize', form: '64MiB to 1TiB', example: '2GiB' },
    asSizeIn(1024 ** 2),
  ),
  one(
    {
      name: 'notes',
      what: 'free text',
      key: 'annotation',
      form: 'any text',
      example: 'web server',
    },
    asText,
  ),
  one(
    {
      name: 'folder',
      what: 'folder of the library',
      key: 'kame.folder',
      form: folderForm,
      example: 'work/web',
    },
    (text, { name, form }) => {
      const folder = folderNamed(text);
      if (folder === undefined) throw invalid(name, text, form);
      return folder;
    },
  ),
  guestOs,
  choice('accelerator', 'how the guest’s code is run', 'kame.accelerator', ['auto', 'kvm', 'hvf', 'tcg']),
  one(
    {
      name: 'machine-type',
      what: 'machine type of QEMU that is always used',
      key: 'kame.machineType',
      form: 'such as virt-7.2',
      example: 'virt-7.2',
    },
    asText,
  ),
  boot,
  choice('firmware', 'what boots the guest', 'firmware', ['efi', 'bios']),
  onOff('secure-boot', 'UEFI Secure Boot', 'uefi.secureBoot.enabled'),
  onOff('tpm', 'a TPM 2.0', 'vtpm.present'),
  one(
    {
      name: 'boot-order',
      what: 'what to boot from, in order',
      key: 'bios.bootOrder',
      form: 'hdd,cdrom,ethernet0',
      example: 'cdrom,hdd',
    },
    asText,
  ),
  onOff('display', 'a graphics adapter', 'svga.present'),
  one(
    { name: 'displays', what: 'screens', key: 'svga.numDisplays', form: '1 to 16', example: '2' },
    asInteger,
  ),
  one(
    {
      name: 'graphics-memory',
      what: 'memory of the graphics adapter',
      key: 'svga.graphicsMemoryKB',
      form: '1MiB to 16GiB',
      example: '256MiB',
    },
    asSizeIn(1024),
  ),
  onOff('3d', 'accelerated 3D graphics', 'mks.enable3d'),
  onOff('sound', 'a sound card', 'sound.present'),
  onOff('usb', 'USB controllers', 'usb.present', 'ehci.present', 'usb_xhci.present'),
  choice('input', 'keyboard and pointer', 'kame.input', ['usb', 'virtio', 'ps2']),
  onOff('sync-time', 'the guest’s clock follows the host’s', 'tools.syncTime'),
  network,
  mac,
  cdrom,
  onOff('vnc', 'a VNC server', 'RemoteDisplay.vnc.enabled'),
  one(
    {
      name: 'vnc-port',
      what: 'port of the VNC server',
      key: 'RemoteDisplay.vnc.port',
      form: '1 to 65535',
      example: '5901',
    },
    asInteger,
  ),
  one(
    {
      name: 'kernel-options',
      what: 'command line of a kernel booted directly',
      key: 'kame.boot.commandLine',
      form: 'one line',
      example: 'quiet',
    },
    asText,
  ),
];
