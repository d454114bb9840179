import { namespaces } from './names.ts';
import type { OvfProperty } from './sections.ts';
import { element, xmlDocument } from './write-xml.ts';

/** The document from which a guest learns the properties of its appliance (DSP0243, 9). */
export function environmentXml(properties: readonly Pick<OvfProperty, 'key' | 'value'>[]): string {
  const uri = namespaces.environment1;
  return xmlDocument(
    element(
      'Environment',
      [
        element('PlatformSection', [element('Kind', 'Kame')]),
        element(
          'PropertySection',
          properties.map(({ key, value }) => element('Property', [], { 'oe:key': key, 'oe:value': value })),
        ),
      ],
      { xmlns: uri, 'xmlns:oe': uri },
    ),
  );
}
