import type { app as english } from '../en/app.ts';

export const app: Readonly<Record<keyof typeof english, string>> = {
  'app.title': '仮想マシン',
  'app.search': '仮想マシンを検索',
  'app.sort': '並べ替え',
  'app.sort.name': '名前',
  'app.sort.state': '状態',
  'app.sort.memory': 'メモリ',
  'app.layout': '表示方法',
  'app.layout.cards': 'カード',
  'app.layout.rows': '一覧',
  'app.language': '言語',
  'app.dark': 'ダークモードにする',
  'app.light': 'ライトモードにする',
  'app.leave': 'サインアウト',
  'palette.title': '移動または操作',
  'palette.none': '該当するものはありません。',
  'app.new': '新規作成',
  'app.loading': '仮想マシンを読み込んでいます',
  'app.reconnecting': 'Kame との接続が切れました。再接続しています…',
  'app.count_one': '{{count}} 台',
  'app.count_other': '{{count}} 台',
  'app.running': '{{count}} 台が実行中',
  'app.memory': 'メモリ {{size}} を使用中',
  'out.title': 'このページはサインインしていません',
  'out.text':
    'アドレスは一度だけ使えます。セッションはブラウザーまたは Kame の終了とともに終わります。新しく開いてください:',
};
