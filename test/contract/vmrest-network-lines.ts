import type { Network } from '../../src/api/generated/shapes.ts';
import { forward } from './cli-samples.ts';
import { json } from './cli-support.ts';
import { done, id, list, nic, nicAnswer, off, on, type Line } from './vmrest-lines.ts';

// The lines of network adapters, and of networks.

const vmnet8: Network = {
  name: 'vmnet8',
  type: 'nat',
  broken: null,
  subnet: '192.168.3.0/24',
  dhcp: true,
  mtu: 1500,
  interface: null,
  hostLoopback: false,
  boot: null,
  running: false,
  machines: [],
};
const nicLines: readonly Line[] = [
  {
    id: 'getAllNICDevices',
    path: `/vms/${id}/nic`,
    replies: { [list]: off, 'GET /nics': json([nic, { ...nic, index: 2, network: 'lab' }]) },
    answer: { num: 2, nics: [nicAnswer, { ...nicAnswer, index: 3, type: 'custom', vmnet: 'lab' }] },
  },
  {
    id: 'createNICDevice',
    path: `/vms/${id}/nic`,
    body: { type: 'custom', vmnet: 'VMnet8' },
    replies: { [list]: off, 'POST /nics': json(nic) },
    sent: [{ network: 'vmnet8' }],
    answer: nicAnswer,
  },
  {
    id: 'updateNICDevice',
    path: `/vms/${id}/nic/1`,
    body: { type: 'hostonly', vmnet: '' },
    replies: { [list]: off, 'PATCH /nics/0': json({ ...nic, network: 'hostonly' }) },
    sent: [{ network: 'hostonly' }],
    answer: { ...nicAnswer, type: 'hostonly', vmnet: 'vmnet1' },
  },
  { id: 'deleteNICDevice', path: `/vms/${id}/nic/10`, replies: { [list]: off, 'DELETE /nics/9': json(nic) } },
  {
    id: 'getIPAddress',
    path: `/vms/${id}/ip`,
    replies: { [list]: on, 'GET /addresses': json({ ip: '192.168.3.9', interfaces: [] }) },
    answer: { ip: '192.168.3.9' },
  },
  {
    id: 'getNicInfo',
    path: `/vms/${id}/nicips`,
    replies: {
      [list]: on,
      'GET /addresses': json({
        ip: '192.168.3.9',
        interfaces: [
          { name: 'lo', mac: '00:00:00:00:00:00', addresses: [{ address: '127.0.0.1', prefix: 8 }] },
          { name: 'sit0', mac: null, addresses: [] },
          { name: 'eth0', mac: nic.mac, addresses: [{ address: '192.168.3.9', prefix: 24 }] },
        ],
      }),
    },
    answer: { nics: [{ mac: nic.mac, ip: ['192.168.3.9/24'] }], routes: [] },
  },
];

const hostNetworkLines: readonly Line[] = [
  {
    id: 'getAllNetworks',
    path: '/vmnet',
    replies: { 'GET /v1/networks': json([vmnet8, { ...vmnet8, name: 'bad', type: null }]) },
    answer: {
      num: 2,
      vmnets: [
        { name: 'vmnet0', type: 'bridged', dhcp: 'false', subnet: '', mask: '' },
        { name: 'vmnet8', type: 'nat', dhcp: 'true', subnet: '192.168.3.0', mask: '255.255.255.0' },
      ],
    },
  },
  {
    id: 'createNetwork',
    path: '/vmnets',
    body: { name: 'vmnet2', type: 'hostOnly' },
    replies: { 'POST /v1/networks': json({ ...vmnet8, name: 'vmnet2', type: 'hostonly' }) },
    sent: [{ name: 'vmnet2', type: 'hostonly' }],
    answer: {
      name: 'vmnet2',
      type: 'hostOnly',
      dhcp: 'true',
      subnet: '192.168.3.0',
      mask: '255.255.255.0',
    },
  },
  {
    id: 'getMACToIPs',
    path: '/vmnet/VMnet8/mactoip',
    replies: {
      'GET /v1/networks/vmnet8': json({
        ...vmnet8,
        reservations: [{ mac: nic.mac, address: '192.168.3.9', machine: 'demo' }],
      }),
    },
    answer: { num: 1, mactoips: [{ vmnet: 'vmnet8', mac: nic.mac, ip: '192.168.3.9' }] },
  },
  {
    id: 'updateMacToIP',
    path: `/vmnet/vmnet8/mactoip/${nic.mac}`,
    body: { IP: '192.168.3.9' },
    replies: {
      [`PUT /v1/networks/vmnet8/reservations/${encodeURIComponent(nic.mac)}`]: json({
        mac: nic.mac,
        address: '192.168.3.9',
        machine: 'demo',
      }),
    },
    sent: [{ address: '192.168.3.9' }],
    answer: done,
  },
  {
    id: 'getPortforwards',
    path: '/vmnet/vmnet8/portforward',
    replies: { 'GET /v1/networks/vmnet8/forwards': json([forward]) },
    answer: {
      num: 1,
      port_forwardings: [
        { port: 8080, protocol: 'tcp', desc: 'web', guest: { ip: '192.168.3.9', port: 80 } },
      ],
    },
  },
  {
    id: 'updatePortforward',
    path: '/vmnet/vmnet8/portforward/tcp/8080',
    body: { guestIp: '192.168.3.10', guestPort: 81, desc: 'x' },
    replies: { 'PUT /v1/networks/vmnet8/forwards/tcp/8080': json(forward) },
    sent: [{ target: '192.168.3.10', guestPort: 81, description: 'x' }],
    answer: done,
  },
  {
    id: 'deletePortforward',
    path: '/vmnet/vmnet8/portforward/tcp/8080',
    replies: { 'DELETE /v1/networks/vmnet8/forwards/tcp/8080': json({ ok: true }) },
  },
];

export const networkLines: readonly Line[] = [...nicLines, ...hostNetworkLines];
