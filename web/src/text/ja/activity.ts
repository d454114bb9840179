import type { activity as english } from '../en/activity.ts';

export const activity: Readonly<Record<keyof typeof english, string>> = {
  'activity.off': '仮想マシンは動いていません。',
  'activity.cpu': 'プロセッサ',
  'activity.memoryOf': 'メモリ (全 {{size}})',
  'activity.disk': 'ディスク',
  'activity.used': '使用中',
  'activity.resident': '常駐',
  'activity.private': '専用',
  'activity.read': '読み取り',
  'activity.written': '書き込み',
  'activity.help': '常駐メモリには、クローンと共有する分も含まれます。値は表示している間だけ集められます。',
};
