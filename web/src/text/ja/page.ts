import type { page as english } from '../en/page.ts';

export const page: Readonly<Record<keyof typeof english, string>> = {
  'lacking.title': 'このアドレスにページはありません',
  'lacking.machine': 'この仮想マシンはもうありません',
  'lacking.back': '仮想マシンの一覧に戻る',
  'page.tabs': 'このページの項目',
  'page.console': 'コンソール',
  'page.snapshots': 'スナップショット',
  'page.settings': '設定',
  'page.activity': 'アクティビティ',
};
