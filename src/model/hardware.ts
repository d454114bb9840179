/**
 * Generations of the virtual hardware: what devices a machine has beside those that its `.vmx` names, and how they are
 * connected. A cold start moves a machine to the current one; a restored state keeps the one it was saved with.
 * 1: network adapters have a NAT of their own in the engine. 2: adapters are ports of a network's switch, and machines
 * with PCIe have ports into which adapters are plugged while they run. 3: there are ports for the programs in the guest that
 * integrate it with the host, and a SCSI controller for disks that carry files into it.
 */
export const currentHardware = 3;
export const firstHardware = 1;
/** The first generation with the ports of guest integration and the controller of transfers. */
export const integratedHardware = 3;
