import type { library as english } from '../en/library.ts';

export const library: Readonly<Record<keyof typeof english, string>> = {
  'empty.hidden': '表示できる仮想マシンはありません。',
  'empty.title': '仮想マシンはまだありません',
  'empty.text':
    '仮想マシンは、このコンピューターの中で動くもう一台のコンピューターです。最初の一台は数秒で起動する小さな Linux で、いつでも削除できます。',
  'empty.create': '「demo」を作成',
  'empty.creating': '「demo」を作成しています',
  'empty.terminal':
    'ターミナルでは、構成を選んで作成できます。作成した仮想マシンは自動的にここに表示されます:',
  'empty.none': '「{{query}}」に一致する仮想マシンはありません',
  'empty.folder': 'このフォルダーに仮想マシンはありません。',
  'folder.title': 'フォルダー',
  'folder.all': 'すべての仮想マシン',
  'folder.moved_one': '{{count}} 台を「{{folder}}」に移動しました。',
  'folder.moved_other': '{{count}} 台を「{{folder}}」に移動しました。',
  'folder.out_one': '{{count}} 台をフォルダーから出しました。',
  'folder.out_other': '{{count}} 台をフォルダーから出しました。',
  'empty.clear': '検索をクリア',
  'select.title': '選択した仮想マシン',
  'select.count_one': '{{count}} 台を選択中',
  'select.count_other': '{{count}} 台を選択中',
  'select.one': '{{name}} を選択',
  'select.clear': '選択を解除',
  'fact.usage': 'CPU {{percent}}% · 常駐 {{size}}',
};
