import type { host as english } from '../en/host.ts';

export const host: Readonly<Record<keyof typeof english, string>> = {
  'host.title': 'このコンピューター',
  'host.version': 'Kame {{version}}',
  'host.daemonMemory': 'デーモン {{size}}',
  'host.doctor': '診断',
  'host.again': 'もう一度確認',
  'host.checking': '確認しています…',
  'host.status.ok': '問題なし',
  'host.status.warning': '要確認',
  'host.status.failed': '使用不可',
  'host.tasks': '実行中の処理',
  'host.noTasks': '実行中の処理はありません。',
  'host.events': '最近のイベント',
  'host.noEvents': 'このページを開いてからイベントはありません。',
};
