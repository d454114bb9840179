/** Writes docs/openapi.json, which the daemon serves too, and validates it. With --check it does not write. */
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
