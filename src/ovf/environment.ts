import { namespaces } from './names.ts';
import type { OvfProperty } from './sections.ts';
import { escapeXml } from './xml.ts';

/** The document from which a guest learns the properties of its appliance (DSP0243, 9). */
export function environmentXml(properties: readonly OvfProperty[]): string {
  const rows = properties.map(
    ({ key, value }) => `    <Property oe:key="${escapeXml(key)}" oe:value="${escapeXml(value)}"/>`,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<Environment xmlns="${namespaces.environment1}" xmlns:oe="${namespaces.environment1}">`,
    '  <PlatformSection>',
    '    <Kind>Kame</Kind>',
    '  </PlatformSection>',
    '  <PropertySection>',
    ...rows,
    '  </PropertySection>',
    '</Environment>',
    '',
  ].join('\n');
}
