import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ObjectSchema } from '../options.ts';

type Data = Record<string, unknown>;

/** The field of an object that an issue is about; empty where it is about the whole. */
export function fieldOf(issue: StandardSchemaV1.Issue | undefined): string {
  const step = issue?.path?.[0] ?? '';
  return String(typeof step === 'object' ? step.key : step);
}

/**
 * Reads stored values through an application's schema, which fills in the
 * defaults. What no longer fits is left out, so that a new version of an
 * application can read what the old one wrote.
 *
 * @param what names the schema where it is itself at fault.
 * @throws {TypeError} where the schema refuses its own defaults.
 */
export async function readThrough(schema: ObjectSchema | null, data: Data, what: string): Promise<Data> {
  if (schema === null) return data;
  const first = await schema['~standard'].validate(data);
  if (first.issues === undefined) return first.value;
  const kept = { ...data };
  for (const issue of first.issues) {
    delete kept[fieldOf(issue)];
  }
  const second = await schema['~standard'].validate(kept);
  if (second.issues === undefined) return second.value;
  throw new TypeError(
    `the ${what} schema refuses its own defaults: each key needs a default or to be optional`,
  );
}
