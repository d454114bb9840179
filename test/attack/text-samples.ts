import type { Corpus } from './mutation.ts';

const answers: readonly unknown[] = [
  { return: {} },
  { return: 1_700_000_000_000_000_000 },
  { return: { pid: 4711 } },
  { return: { exited: true, exitcode: 0, 'out-data': 'aGVsbG8K', 'out-truncated': false } },
  { return: { supported_commands: [{ name: 'guest-exec', enabled: true, 'success-response': true }] } },
  {
    return: { id: 'debian', name: 'Debian GNU/Linux', 'pretty-name': 'Debian 12', 'kernel-release': '6.1.0' },
  },
  {
    return: [
      {
        name: 'eth0',
        'hardware-address': '00:0c:29:11:22:33',
        'ip-addresses': [
          { 'ip-address': '10.0.2.15', 'ip-address-type': 'ipv4', prefix: 24 },
          { 'ip-address': 'fe80::1%eth0', 'ip-address-type': 'ipv6', prefix: 64 },
        ],
      },
    ],
  },
  { error: { class: 'CommandNotFound', desc: 'The command guest-exec has not been found' } },
  { error: { class: 'GenericError', desc: 'Guest agent command failed' } },
];

export const agentCorpus: Corpus = {
  samples: answers.map((answer) => Buffer.from(`${JSON.stringify(answer)}\n`)),
  pieces: [
    '\n',
    '\u00ff',
    '{"return":',
    '[',
    ']',
    '{',
    '}',
    ',',
    'null',
    '-1',
    '1e999',
    '"__proto__":{}',
    '"\\ud800"',
  ].map((text) => Buffer.from(text, 'latin1')),
};

const [one, two] = ['a1', 'b2'].map((pair) => pair.repeat(32));

export const sumsCorpus: Corpus = {
  samples: [
    `${one}  disk.qcow2\n${two} *other.img\n`,
    `SHA256 (disk.qcow2) = ${one}\nSHA512 (disk.qcow2) = ${one}${one}\n`,
    `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# disk.qcow2: 123 bytes\n${two}  my disk.qcow2\n${one}  ./disk.qcow2\n`,
    `${one}\n`,
  ].map((text) => Buffer.from(text)),
  pieces: [one ?? '', '  ', ' *', 'disk.qcow2', 'SHA256 (', ') = ', '\r\n', '\\', './'].map((text) =>
    Buffer.from(text),
  ),
};
