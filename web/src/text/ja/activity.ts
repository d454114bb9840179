import type { activity as english } from '../en/activity.ts';

export const activity: Readonly<Record<keyof typeof english, string>> = {
  'activity.off': '仮想マシンは実行中ではありません。',
  'activity.cpu': 'プロセッサ',
  'activity.memoryOf': 'メモリ (合計 {{size}})',
  'activity.disk': 'ディスク',
  'activity.network': 'ネットワーク',
  'activity.received': '受信',
  'activity.sent': '送信',
  'activity.energy': '消費電力',
  'activity.processors': 'プロセッサ',
  'activity.energy.not-told': 'このコンピューターでは消費電力を取得できません。',
  'activity.energy.only-root': 'このコンピューターの消費電力を取得できるのは root だけです。',
  'activity.table': '{{title}}を表で表示',
  'activity.time': '時刻',
  'activity.used': '使用中',
  'activity.resident': '常駐',
  'activity.private': '専用',
  'activity.read': '読み取り',
  'activity.written': '書き込み',
  'activity.help': '常駐メモリには、クローンと共有する分も含まれます。値は、表示している間だけ収集されます。',
};
