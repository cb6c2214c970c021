/** A JSON Schema, as far as the reference shows it (OpenAPI 3.1.1, "Schema Object"). */
export interface JsonSchema {
  readonly $ref?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly format?: string | undefined;
  readonly description?: string | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly required?: readonly string[] | undefined;
  readonly properties?: Readonly<Record<string, JsonSchema | boolean>> | undefined;
  readonly items?: JsonSchema | boolean | readonly (JsonSchema | boolean)[] | undefined;
  readonly allOf?: readonly (JsonSchema | boolean)[] | undefined;
  readonly anyOf?: readonly (JsonSchema | boolean)[] | undefined;
  readonly oneOf?: readonly (JsonSchema | boolean)[] | undefined;
}

/** A reference to another part of the document. */
export interface Reference {
  readonly $ref: string;
}

/** What a body or a header is made of, by media type. */
export type Content = Readonly<Record<string, { readonly schema?: JsonSchema | undefined }>>;

/** Describes a value that stands in the path, the query or a header. */
export interface OpenApiParameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean | undefined;
  readonly description?: string | undefined;
  readonly schema?: JsonSchema | undefined;
}

/** Describes what a request carries. */
export interface OpenApiRequestBody {
  readonly description?: string | undefined;
  readonly required?: boolean | undefined;
  readonly content: Content;
}

/** Describes an answer. */
export interface OpenApiResponse {
  readonly description: string;
  readonly content?: Content | undefined;
}

/** Describes how a credential is presented (OpenAPI 3.1.1, "Security Scheme Object"). */
export interface OpenApiSecurityScheme {
  readonly type: string;
  readonly description?: string | undefined;
  /** Of an `apiKey`: its place and its name there. */
  readonly in?: string | undefined;
  readonly name?: string | undefined;
  /** Of `http`. */
  readonly scheme?: string | undefined;
}

/** Schemes that go together, by name, each with what must be held beside it; none for no credential at all. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

/** Describes what one method does at one path; answers are keyed by their status. */
export interface OpenApiOperation {
  readonly summary?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly parameters?: readonly (OpenApiParameter | Reference)[] | undefined;
  readonly requestBody?: OpenApiRequestBody | Reference | undefined;
  readonly responses: Readonly<Record<string, OpenApiResponse | Reference>>;
  /** Any one of them will do. */
  readonly security?: readonly SecurityRequirement[] | undefined;
}

/** What stands under a path, by method; other keys of a path item are passed over. */
export interface OpenApiPathItem {
  readonly get?: OpenApiOperation | undefined;
  readonly put?: OpenApiOperation | undefined;
  readonly post?: OpenApiOperation | undefined;
  readonly delete?: OpenApiOperation | undefined;
  readonly patch?: OpenApiOperation | undefined;
  readonly head?: OpenApiOperation | undefined;
  readonly options?: OpenApiOperation | undefined;
}

/** An OpenAPI 3.1 document, as far as the reference shows it. */
export interface OpenApiDocument {
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description?: string | undefined;
  };
  /** In the order in which the reference shows them; tags that are not here follow. */
  readonly tags?: readonly { readonly name: string; readonly description?: string | undefined }[] | undefined;
  readonly paths: Readonly<Record<string, OpenApiPathItem>>;
  readonly components?:
    | {
        readonly schemas?: Readonly<Record<string, JsonSchema | boolean>> | undefined;
        readonly responses?: Readonly<Record<string, OpenApiResponse>> | undefined;
        readonly parameters?: Readonly<Record<string, OpenApiParameter>> | undefined;
        readonly requestBodies?: Readonly<Record<string, OpenApiRequestBody>> | undefined;
        readonly securitySchemes?: Readonly<Record<string, OpenApiSecurityScheme>> | undefined;
      }
    | undefined;
}

/** One property of an object, with whether it must be there. */
export interface Property {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

const ANYTHING: JsonSchema = {};

/**
 * Finds what a local reference (`#/components/<kind>/<name>`) stands for, or
 * `null`. Others are never followed: the reference is written without asking
 * anybody for anything.
 */
function find<Value>(
  kind: 'schemas' | 'responses' | 'parameters' | 'requestBodies',
  table: Readonly<Record<string, Value>> | undefined,
  ref: string,
): Value | null {
  const prefix = `#/components/${kind}/`;
  if (table === undefined || !ref.startsWith(prefix)) return null;
  // RFC 6901 §4.
  const name = ref.slice(prefix.length).replaceAll('~1', '/').replaceAll('~0', '~');
  return Object.hasOwn(table, name) ? (table[name] ?? null) : null;
}

/** The parameter itself, or what its reference stands for. */
export function parameter(
  document: OpenApiDocument,
  value: OpenApiParameter | Reference,
): OpenApiParameter | null {
  return '$ref' in value ? find('parameters', document.components?.parameters, value.$ref) : value;
}

/** The body itself, or what its reference stands for. */
export function requestBody(
  document: OpenApiDocument,
  value: OpenApiRequestBody | Reference | undefined,
): OpenApiRequestBody | null {
  if (value === undefined) return null;
  return '$ref' in value ? find('requestBodies', document.components?.requestBodies, value.$ref) : value;
}

/** The response itself, or what its reference stands for. */
export function response(
  document: OpenApiDocument,
  value: OpenApiResponse | Reference,
): OpenApiResponse | null {
  return '$ref' in value ? find('responses', document.components?.responses, value.$ref) : value;
}

/** The schema itself, or what its references lead to, with a description beside a reference kept. */
export function schema(document: OpenApiDocument, value: JsonSchema | boolean | undefined): JsonSchema {
  let found = value;
  let description: string | undefined;
  // A bound, since references may go round in circles.
  for (let step = 0; step < 8; step += 1) {
    if (found === undefined || typeof found === 'boolean') return ANYTHING;
    description ??= found.description;
    if (found.$ref === undefined) return description === undefined ? found : { ...found, description };
    found = find('schemas', document.components?.schemas, found.$ref) ?? undefined;
  }
  return ANYTHING;
}

/** The properties of an object, those of its `allOf` first. */
export function properties(document: OpenApiDocument, value: JsonSchema): readonly Property[] {
  return collect(document, value, 0);
}

function collect(document: OpenApiDocument, value: JsonSchema, depth: number): readonly Property[] {
  const inherited =
    depth > 4
      ? []
      : (value.allOf ?? []).flatMap((part) => collect(document, schema(document, part), depth + 1));
  const own = Object.entries(value.properties ?? {}).map(([name, property]) => ({
    name,
    schema: schema(document, property),
    required: value.required?.includes(name) === true,
  }));
  return [...inherited, ...own];
}

/** The schemas of which a value is one, where there are several that are not only `null`. */
export function alternatives(document: OpenApiDocument, value: JsonSchema): readonly JsonSchema[] {
  return [...(value.oneOf ?? []), ...(value.anyOf ?? [])]
    .map((part) => schema(document, part))
    .filter((part) => part.type !== 'null');
}

/** The schema of an array's items, or `null` where it is no array of one kind. */
export function items(document: OpenApiDocument, value: JsonSchema): JsonSchema | null {
  const found = value.items;
  return found === undefined || typeof found === 'boolean' || isList(found) ? null : schema(document, found);
}

function isList(value: JsonSchema | readonly unknown[]): value is readonly unknown[] {
  return Array.isArray(value);
}

/** Says in words what kind of value a schema asks for: "list of string", "string or null". */
export function typeLabel(document: OpenApiDocument, value: JsonSchema): string {
  return label(document, value, 0);
}

function label(document: OpenApiDocument, value: JsonSchema, depth: number): string {
  if (value.const !== undefined) return JSON.stringify(value.const);
  if (value.enum !== undefined) return value.enum.map((one) => JSON.stringify(one)).join(' or ');
  const parts = [...(value.oneOf ?? []), ...(value.anyOf ?? [])];
  if (parts.length > 0 && depth < 4) {
    const labels = parts.map((part) => label(document, schema(document, part), depth + 1));
    return [...new Set(labels)].join(' or ');
  }
  const types = typeof value.type === 'string' ? [value.type] : (value.type ?? impliedTypes(value));
  const inner = items(document, value);
  return types
    .map((type) => {
      if (type === 'array') {
        return inner === null || depth >= 4 ? 'list' : `list of ${label(document, inner, depth + 1)}`;
      }
      return value.format === undefined || type === 'null' ? type : `${type} (${value.format})`;
    })
    .join(' or ');
}

function impliedTypes(value: JsonSchema): readonly string[] {
  return value.properties !== undefined || value.allOf !== undefined ? ['object'] : ['any value'];
}

/** Says in words what bounds a schema sets, or `null` where it sets none. */
export function limits(value: JsonSchema): string | null {
  const said = [
    range(value.minLength, value.maxLength, ' characters'),
    range(bound(value.minimum), bound(value.maximum), ''),
    value.default === undefined ? null : `default ${JSON.stringify(value.default)}`,
  ].filter((text) => text !== null);
  return said.length === 0 ? null : said.join(', ');
}

/** Generators write the ends of what a double counts exactly beside every integer; they bound nothing. */
function bound(value: number | undefined): number | undefined {
  return value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;
}

function range(least: number | undefined, most: number | undefined, unit: string): string | null {
  if (least !== undefined && least === most) return `exactly ${least}${unit}`;
  if (least !== undefined && most !== undefined) return `${least} to ${most}${unit}`;
  if (least !== undefined) return `at least ${least}${unit}`;
  return most === undefined ? null : `at most ${most}${unit}`;
}
