/** Ids of os-release(5) and the commands that install packages there. Derived systems have ids of their own. */
const commands: readonly (readonly [ids: RegExp, command: string])[] = [
  [/^(debian|ubuntu|raspbian|linuxmint|pop|kali|devuan|elementary|neon|zorin)$/, 'apt install'],
  [/^(fedora|rhel|centos|rocky|almalinux|ol|amzn)$/, 'dnf install'],
  [/^(alpine|postmarketos)$/, 'apk add'],
  [/^(arch|archarm|manjaro|endeavouros)$/, 'pacman -S'],
  [/^(opensuse.*|sles|sled)$/, 'zypper install'],
];

/** The command that installs a package in a guest; null where it is not known. @param id of os-release */
export function installCommand(id: string | undefined, name: string): string | null {
  const command = commands.find(([ids]) => id !== undefined && ids.test(id))?.[1];
  return command === undefined ? null : `${command} ${name}`;
}
