/**
 * The program that is started as QEMU: a process with QEMU's command line and pid file, whose work is done by the test.
 * It reports its start to the test by a line with its directory and its pid in the named pipe `started`. On SIGUSR1 it runs
 * the shell that the test has written for it, once, and ends. A signal just before it reads has no effect until the next one. It has
 * no children, so a signal ends all there is.
 * @param started named pipe; another one beside it, `hold`, never has anything to read
 */
export function programText(started: string, hold: string): string {
  return `#!/bin/sh
here=\${0%/*}
for word do
  if [ "$before" = -pidfile ]; then pidfile=$word; fi
  before=$word
done
if [ -e "$here/begin" ]; then . "$here/begin"; fi
trap 'trap "" USR1; . "$here/$$.order"' USR1
exec 3<>'${hold}'
printf '%s\\0' "$@" >"$here/$$.arguments"
echo $$ >"$pidfile"
echo "$here/$$" >'${started}'
while :; do read -r _ <&3; done
`;
}
