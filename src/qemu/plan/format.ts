import { shellQuote } from '../../core/shell-word.ts';
import type { LaunchPlan } from './types.ts';

/** Formats a plan for people: notes, then a shell command with one option per line. */
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
  // A comment must stay on one line, whatever the name of the machine is.
  const safe = head.map((line) => line.replaceAll(/[\r\n]+/g, ' '));
  return `${[...safe, [shellQuote(plan.binary), ...lines].join(' \\\n  ')].join('\n')}\n`;
}
