import type { Values } from '@latchkey/verify';
import { invalid } from '../errors.ts';
import { deepFreeze } from '../foundation/freeze.ts';
import { fieldOf, readThrough } from '../foundation/schema.ts';
import type { ObjectSchema } from '../options.ts';

const MAX_BYTES = 16 * 1024;

/**
 * Reads a user's stored fields through the application's schema, which fills in the defaults.
 *
 * @throws {TypeError} where the schema refuses its own defaults.
 */
export async function readFields(schema: ObjectSchema | null, text: string): Promise<Values> {
  const stored: unknown = JSON.parse(text);
  if (typeof stored !== 'object' || stored === null) throw new TypeError('stored fields are no object');
  return deepFreeze(await readThrough(schema, { ...stored }, 'user'));
}

/**
 * Writes a user's fields as the store keeps them.
 *
 * @throws `LK_REQUEST_INVALID` where they do not fit the schema, where there is none, or where they outgrow 16 kB.
 */
export async function writeFields(schema: ObjectSchema | null, fields: Values): Promise<string> {
  const [name] = Object.keys(fields);
  if (name === undefined) return '{}';
  if (schema === null) throw invalid(`fields.${name}`, 'is not known: no user schema is configured');
  const result = await schema['~standard'].validate({ ...fields });
  const [issue] = result.issues ?? [];
  if (issue !== undefined) throw invalid(`fields.${fieldOf(issue)}`, issue.message);
  const value: Record<string, unknown> = result.issues === undefined ? result.value : {};
  const unknown = Object.keys(fields).find((key) => !Object.hasOwn(value, key));
  if (unknown !== undefined) throw invalid(`fields.${unknown}`, 'is not known to the user schema');
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid('fields', `may be ${MAX_BYTES} bytes at most`);
  return text;
}
