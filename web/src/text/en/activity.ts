export const activity = {
  'activity.off': 'The machine does not run.',
  'activity.cpu': 'Processors',
  'activity.memoryOf': 'Memory, of {{size}}',
  'activity.disk': 'Disks',
  'activity.used': 'In use',
  'activity.resident': 'Resident',
  'activity.private': 'Private',
  'activity.read': 'Read',
  'activity.written': 'Written',
  'activity.help':
    'Resident memory includes what the machine shares with its clones. Numbers are collected while somebody looks at them.',
} as const;
