export const library = {
  'empty.hidden': 'There are no machines here that you may see.',
  'empty.title': 'No machines yet',
  'empty.text':
    'A machine is a computer inside this one. The first one is a small Linux that boots in seconds, and that you can delete at any time.',
  'empty.create': 'Create “demo”',
  'empty.creating': 'Creating “demo”',
  'empty.terminal': 'In a terminal you can choose what it is made of. It appears here by itself:',
  'empty.none': 'No machine matches “{{query}}”',
  'empty.clear': 'Clear the search',
  'select.title': 'Several machines',
  'select.count_one': '{{count}} selected',
  'select.count_other': '{{count}} selected',
  'select.one': 'Select {{name}}',
  'select.clear': 'Clear',
  'fact.usage': '{{percent}} % CPU · {{size}} resident',
} as const;
