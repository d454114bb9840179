/**
 * Validates the OpenAPI document and writes docs/openapi.json; the daemon serves it too. With --check, only compares.
 */
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApiDocument } from '../src/api/openapi.ts';
import { version } from '../src/core/version.ts';
import { writeGenerated } from './generated-file.ts';

const document = openApiDocument(version);
const text = JSON.stringify(document);
const { valid, errors } = await new Validator().validate(JSON.parse(text) as Record<string, unknown>);
if (!valid) {
  console.error(`The OpenAPI document is not valid: ${JSON.stringify(errors, null, 2)}`);
  process.exitCode = 1;
} else await writeGenerated('docs/openapi.json', text);
