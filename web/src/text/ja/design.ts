import type { design as english } from '../en/design.ts';

export const design: Readonly<Record<keyof typeof english, string>> = {
  'design.title': 'デザイン',
  'design.help': 'このページを構成する部品を、両方のテーマで表示します。',
  'design.light': 'ライト',
  'design.dark': 'ダーク',
  'design.colour': '色',
  'design.type': '文字',
  'design.space': '余白',
  'design.icons': 'アイコン',
  'design.marks': 'ゲストシステム',
  'design.buttons': 'ボタン',
  'design.fields': '入力欄',
  'design.feedback': '通知',
  'design.states': '状態',
  'design.choices': '選択肢',
  'design.word': '亀',
  'design.sample': 'ゆっくりでも着実な者が勝つ。',
};
