/**
 * The program that is started as QEMU: a process with QEMU's command line and pid file, whose work is done by the test.
 * It tells the test of its start by a line with its directory and its pid in the named pipe `started`, and does what it is
 * told by lines of shell in a pipe of its own. No child of it lives on, so a signal ends all there is.
 */
export function programText(started: string): string {
  return `#!/bin/sh
here=\${0%/*}
for word do
  if [ "$before" = -pidfile ]; then pidfile=$word; fi
  before=$word
done
if [ -e "$here/begin" ]; then . "$here/begin"; fi
mkfifo "$here/$$.orders" && exec 3<>"$here/$$.orders" || exit 70
printf '%s\\0' "$@" >"$here/$$.arguments"
echo $$ >"$pidfile"
echo "$here/$$" >'${started}'
while read -r order <&3; do eval "$order"; done
`;
}
