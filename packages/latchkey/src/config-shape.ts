import { refuse } from './config-error.ts';
import { fieldOf } from './foundation/schema.ts';
import type { LatchkeyOptions, ObjectSchema } from './options.ts';

/** Every option and what is in it, so that a misspelt name is refused and not ignored. */
const KNOWN = {
  url: null,
  secret: null,
  store: null,
  brand: null,
  profile: null,
  clients: null,
  user: null,
  session: null,
  claims: null,
  roles: null,
  access: null,
  tokens: ['life', 'algorithm', 'keyLife', 'audiences'],
  origins: null,
  sessions: ['idle', 'absolute'],
  nearCache: ['life', 'entries'],
  log: ['maxStaleness', 'watermark', 'canary'],
  password: ['length', 'contextWords', 'concurrency', 'queue'],
  throttle: ['network', 'account'],
  trustedProxies: null,
  onEvent: null,
} as const satisfies Record<keyof LatchkeyOptions, readonly string[] | null>;

/** What a configuration in JavaScript can get wrong, and types would have told. */
export function checkShape(options: LatchkeyOptions): void {
  refuseUnknown('the configuration', options, [...Object.keys(KNOWN), 'clock']);
  const values = new Map<string, unknown>(Object.entries(options));
  for (const [name, inner] of Object.entries(KNOWN)) {
    const value = values.get(name);
    if (inner !== null && value !== undefined) refuseUnknown(name, value, inner);
  }
  for (const name of ['origins', 'roles']) refuseNoList(name, values.get(name));
  refuseNoList('tokens.audiences', options.tokens?.audiences);
  refuseNoList('password.contextWords', options.password?.contextWords);
  if (!isObject(values.get('store'))) refuse('store', "is missing: give one, such as sqlite('app.db')");
  const onEvent = values.get('onEvent');
  if (onEvent !== undefined && typeof onEvent !== 'function') refuse('onEvent', 'must be a function');
  for (const name of ['user', 'session'] as const) checkSchema(name, values.get(name), options[name]);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Refuses names that are not known: one that is misspelt would be ignored. */
export function refuseUnknown(name: string, value: unknown, known: readonly string[]): void {
  if (!isObject(value)) return refuse(name, 'must be an object');
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined)
    refuse(name, `knows no ${JSON.stringify(unknown)}; there are ${known.join(', ')}`);
}

function refuseNoList(name: string, value: unknown): void {
  if (value !== undefined && !Array.isArray(value)) refuse(name, 'must be a list');
}

/** Where the schema can say so at once, it is asked: a user must have fields before anybody has written one. */
function checkSchema(name: string, given: unknown, schema: ObjectSchema | undefined): void {
  if (schema === undefined) return;
  const isSchema = (isObject(given) || typeof given === 'function') && '~standard' in given;
  if (!isSchema) refuse(name, 'must be a schema that speaks Standard Schema, such as z.object({ … })');
  const result = schema['~standard'].validate({});
  if (result instanceof Promise || result.issues === undefined) return;
  refuse(name, `refuses its own defaults: ${fieldOf(result.issues[0])} needs a default or to be optional`);
}
