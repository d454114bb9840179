import { version } from '../../core/version.ts';
import type { Command, CommandGroup } from './command.ts';

/** The version of vmrun whose commands these are. Clients read it: `vmrun version ([0-9.]+)`. */
const vmrunVersion = '1.17.0';
const nameWidth = 25;
const argumentWidth = 21;

const authentication = [
  ['-T <hostType>', '(ws|fusion|player; accepted and not used)'],
  ['-vp <password for encrypted virtual machine>', '(accepted and not used)'],
  ['-gu <userName in guest OS>', ''],
  ['-gp <password in guest OS>', ''],
] as const;

/** The arguments of a command, one on a line. */
function argumentLines(command: Command): string[] {
  const { machine, leading = [], args = [], optionalArgs = 0, words = [], options = [], rest } = command;
  return [
    ...(machine ? ['Path to vmx file'] : []),
    ...leading.map((word) => `[${word}]`),
    ...args.map((label, at) => (at < args.length - optionalArgs ? label : `[${label}]`)),
    ...words.map((choice) => `[${choice.join('|')}]`),
    ...options.map(([name, label]) => `[${name}=${label}]`),
    ...(rest === undefined ? [] : [`[${rest}]`]),
  ];
}

function commandLines(command: Command): string[] {
  const [first = '', ...more] = argumentLines(command);
  return [
    `${command.name.padEnd(nameWidth)}${first.padEnd(argumentWidth)}${command.summary}`,
    ...more.map((text) => `${' '.repeat(nameWidth)}${text}`),
    '',
  ];
}

/** What vmrun prints without a command. */
export function usageText(groups: readonly CommandGroup[]): string {
  const lines = [
    '',
    `vmrun version ${vmrunVersion} build-0 (Kame ${version})`,
    '',
    'Usage: vmrun [AUTHENTICATION-FLAGS] COMMAND [PARAMETERS]',
    '',
    'AUTHENTICATION-FLAGS',
    '--------------------',
    'They come before the command.',
    ...authentication.map(([flag, note]) => `   ${flag} ${note}`.trimEnd()),
    '',
  ];
  for (const { title, commands } of groups) {
    const head = `${title.padEnd(nameWidth)}${'PARAMETERS'.padEnd(argumentWidth)}DESCRIPTION`;
    lines.push('', head, '-'.repeat(head.length), ...commands.flatMap(commandLines));
  }
  return `${lines.join('\n')}\n`;
}
