import type { LaunchPlan } from './types.ts';

/** A word as a POSIX shell takes it. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The plan for a person: a command that a shell would run, one option a line, after what is special about it. */
export function formatPlan(plan: LaunchPlan): string {
  const head = [
    `# ${plan.name}: ${plan.machineType}, ${plan.accelerator} (${plan.reason})`,
    ...plan.notes.map((note) => `# note: ${note}`),
    ...plan.blockers.map(({ device, reason }) => `# no checkpoints with memory: ${device}. ${reason}`),
    ...plan.files.map(({ from, to }) => `cp -n ${shellQuote(from)} ${shellQuote(to)}`),
  ];
  const lines = plan.options.map(({ name, value }) => {
    if (value === undefined) return name;
    return `${name} ${shellQuote(typeof value === 'string' ? value : JSON.stringify(value))}`;
  });
  // A comment must stay one line, whatever a machine is called.
  const safe = head.map((line) => line.replaceAll(/[\r\n]+/g, ' '));
  return `${[...safe, [shellQuote(plan.binary), ...lines].join(' \\\n  ')].join('\n')}\n`;
}
