import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import type { Operation } from '../../src/cli/vmrest/operation.ts';
import { operations } from '../../src/cli/vmrest/operations.ts';
import { swaggerText } from '../../src/cli/vmrest/swagger.ts';

interface Document {
  readonly swagger: string;
  readonly basePath: string;
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { operationId: string; responses: Record<string, unknown> }>>>
  >;
  readonly definitions: Readonly<Record<string, unknown>>;
}

const text = swaggerText();
const document = JSON.parse(text.slice(1)) as Document;

describe('the Swagger document', () => {
  it('begins with a byte order mark, as VMware’s', () => {
    expect(Buffer.from(text).subarray(0, 4).toString('hex')).toBe('efbbbf7b');
    expect([document.swagger, document.basePath]).toEqual(['2.0', '/api']);
  });

  it('is valid', async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(text.slice(1)));
    expect([valid, errors]).toEqual([true, undefined]);
  });

  it('has every operation of the table but the old one, with its statuses', () => {
    const found = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const present = Object.entries<Operation>(operations).filter(([, { old }]) => !old);
    expect(found.map(({ operationId }) => operationId).sort()).toEqual(present.map(([id]) => id).sort());
    expect(found).toHaveLength(28);
    for (const { operationId, responses } of found) {
      const { status, errors } = operations[operationId as keyof typeof operations] as Operation;
      const statuses = [status, ...errors, 500].map(String);
      expect(Object.keys(responses).sort()).toEqual([...statuses, 'default'].sort());
    }
  });

  it('defines everything that it refers to, by the names of VMware', () => {
    const references = [...text.matchAll(/"#\/definitions\/(\w+)"/gu)].map(([, name = '']) => name);
    expect([...new Set(references)].filter((name) => !(name in document.definitions))).toEqual([]);
    expect(references.length).toBeGreaterThan(50);
    const names = ['VMRrgistrationInformation', 'NICDevices', 'NicIpStackAll', 'Portforwards', 'ErrorModel'];
    expect(Object.keys(document.definitions)).toEqual(expect.arrayContaining(names));
    expect(document.definitions['ErrorModel']).toEqual({
      type: 'object',
      properties: { Code: { type: 'integer' }, Message: { type: 'string' } },
      required: ['Code', 'Message'],
    });
    expect(text).not.toMatch(/\$defs|\$schema|additionalProperties/u);
  });
});
