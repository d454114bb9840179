import type { fresh as english } from '../en/new.ts';

export const fresh: Readonly<Record<keyof typeof english, string>> = {
  'new.title': '新しい仮想マシン',
  'new.source': '元になるもの',
  'new.arch': 'プロセッサーの種類',
  'new.drop': 'ディスクイメージまたは ISO をここにドロップ (qcow2、VMDK、raw、ISO)',
  'new.choose': 'ファイルを選択',
  'new.uploading': 'ファイルを送信しています',
  'new.uploaded': '「{{name}}」を追加しました。',
  'new.here': 'このコンピューターにあります',
  'new.iso': 'ISO からインストール',
  'new.isoHelp': '空のディスクとインストーラー',
  'new.isoPath': 'このコンピューター上の ISO のパス',
  'new.system': 'ゲスト OS',
  'new.name': '名前',
  'new.disk': 'ディスク',
  'new.user': 'ゲストのユーザー',
  'new.key': 'SSH 公開鍵',
  'new.keyHelp': '対応する秘密鍵を持つ人は、このユーザーとしてログインできます。',
  'new.start': 'すぐに起動する',
  'new.create': '仮想マシンを作成',
  'new.creating': '仮想マシンを作成しています',
};
