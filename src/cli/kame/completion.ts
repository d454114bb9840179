import { Argument, type Command } from '@commander-js/extra-typings';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

/**
 * The scripts call `kame __complete` (complete.ts), which prints a candidate per line, or `:files`; for zsh and fish with a tab
 * before its description, for bash as it is to be inserted. They need only the shell itself: the one for bash works in version 3.2 of macOS and without the
 * bash-completion package.
 */
const scripts = {
  bash: `# kame completion bash: put  source <(kame completion bash)  into ~/.bashrc
_kame() {
  local line file typed kept
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :files*)
        typed="\${line#*$'\\t'}" kept="\${line##*$'\\t'}"
        compopt -o filenames 2>/dev/null
        while IFS= read -r file; do COMPREPLY+=("\${file#"$kept"}"); done < <(compgen -f -- "\${typed%$'\\t'*}") ;;
      ?*) COMPREPLY+=("$line") ;;
    esac
  done < <(kame __complete --bash "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -F _kame kame
`,
  zsh: `#compdef kame
# kame completion zsh: put  source <(kame completion zsh)  into ~/.zshrc, after compinit
_kame() {
  local line value files= tab=$'\\t'
  local -a values
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    elif [[ -n $line ]]; then
      value=\${line%%$tab*}
      # _describe separates the description by a colon.
      value=\${value//\\\\/\\\\\\\\}
      value=\${value//:/\\\\:}
      if [[ $line == *$tab* ]]; then values+=("$value:\${line#*$tab}"); else values+=("$value"); fi
    fi
  done < <(kame __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
  (( $#values )) && _describe kame values
  if [[ -n $files ]]; then
    compset -P '--[a-z-]##='
    _files
  fi
}
compdef _kame kame
`,
  fish: `# kame completion fish: kame completion fish > ~/.config/fish/completions/kame.fish
function __kame_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  # Without quotes and backslashes, as the other words are.
  set -l plain (string unescape -- "$current")
  and set current "$plain"
  for line in (kame __complete $words[2..-1] "$current" 2>/dev/null)
    if test "$line" = ':files'
      set -l option (string match -r -- '^--[a-z-]+=' "$current")
      for file in (__fish_complete_path (string replace -r -- '^--[a-z-]+=' '' "$current"))
        echo "$option$file"
      end
    else
      echo "$line"
    end
  end
end
complete -c kame -f -a '(__kame_complete)'
`,
} as const;

export function define(program: Command, session: Session): void {
  program
    .command('completion')
    .description(
      'Prints a script that completes verbs, options, names of machines, snapshots and disks, and ids of images.',
    )
    .addArgument(
      new Argument('<shell>', 'shell to print the script for').choices(['bash', 'zsh', 'fish'] as const),
    )
    .option('--json', jsonShape('{shell, script}'))
    .addHelpText(
      'after',
      examples(
        'source <(kame completion bash)',
        'source <(kame completion zsh)',
        'kame completion fish > ~/.config/fish/completions/kame.fish',
      ),
    )
    .action((shell) => {
      if (session.json) session.printJson({ shell, script: scripts[shell] });
      else session.context.stdout.write(scripts[shell]);
    });
}
