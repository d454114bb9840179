export const page = {
  'lacking.title': 'There is no page at this address',
  'lacking.machine': 'This machine is gone',
  'lacking.back': 'Back to the machines',
  'page.tabs': 'Parts of this page',
  'page.console': 'Console',
  'page.snapshots': 'Snapshots',
  'page.settings': 'Settings',
  'page.activity': 'Activity',
} as const;
