import { page } from './layout.ts';
import { type Html, html, type Part } from './markup.ts';
import {
  alternatives,
  type Content,
  items,
  type JsonSchema,
  limits,
  type OpenApiDocument,
  type OpenApiOperation,
  type OpenApiSecurityScheme,
  type Property,
  parameter,
  properties,
  requestBody,
  response,
  type SecurityRequirement,
  schema,
  typeLabel,
} from './openapi.ts';

export type { OpenApiDocument } from './openapi.ts';

/** What the page with the API reference shows. */
export interface ReferenceView {
  readonly brand: string;
  /** The address of who is signed in, or `null`. */
  readonly signedInAs: string | null;
  readonly document: OpenApiDocument;
}

interface Operation {
  /** By which the table of contents links to it. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

interface Group {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly operations: readonly Operation[];
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const;

const UNTAGGED = 'Other';

/** How deep fields within fields are shown; deeper ones are named by their type alone. */
const MAX_DEPTH = 6;

/** Writes the API reference from the document, grouped by tag, folded by the browser alone. */
export function referencePage(view: ReferenceView): string {
  const { document } = view;
  const groups = groupsOf(document);
  return page({
    title: document.info.title,
    brand: view.brand,
    signedInAs: view.signedInAs,
    notice: null,
    wide: true,
    body: html`<h1>${document.info.title} <span class="version">${document.info.version}</span></h1>
${document.info.description === undefined ? null : html`<div class="lead prose">${prose(document.info.description)}</div>`}
<p class="soft">The same as a document: <a href="/openapi.json">openapi.json</a></p>
<div class="reference">
<nav class="contents" aria-label="Contents"><ul>${groups.map(contents)}</ul></nav>
<div>${groups.map((group) => groupSection(document, group))}</div>
</div>`,
  });
}

function groupsOf(document: OpenApiDocument): readonly Group[] {
  const byTag = new Map<string, Operation[]>((document.tags ?? []).map((tag) => [tag.name, []]));
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation === undefined) continue;
      const tag = operation.tags?.[0] ?? UNTAGGED;
      const list = byTag.get(tag) ?? [];
      byTag.set(tag, [...list, { id: anchor(`${method} ${path}`), method, path, operation }]);
    }
  }
  return [...byTag]
    .filter(([, operations]) => operations.length > 0)
    .map(([name, operations]) => ({
      id: anchor(`tag ${name}`),
      name,
      description: document.tags?.find((tag) => tag.name === name)?.description ?? null,
      operations,
    }));
}

function anchor(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

function contents(group: Group): Html {
  return html`<li><a href="#${group.id}">${group.name}</a>
<ul>${group.operations.map((one) => html`<li><a href="#${one.id}">${methodBadge(one.method)} <code>${one.path}</code></a></li>`)}</ul></li>`;
}

function methodBadge(method: string): Html {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`;
}

function groupSection(document: OpenApiDocument, group: Group): Html {
  return html`<section class="group" aria-labelledby="${group.id}">
<h2 id="${group.id}">${group.name}</h2>
${group.description === null ? null : html`<div class="prose">${prose(group.description)}</div>`}
${group.operations.map((one) => operationCard(document, one))}
</section>`;
}

function operationCard(document: OpenApiDocument, one: Operation): Html {
  const { operation } = one;
  return html`<details class="operation card">
<summary><h3>${methodBadge(one.method)} <code>${one.path}</code></h3>${
    operation.summary === undefined ? null : html` <span class="soft">${inline(operation.summary)}</span>`
  }</summary>
<div class="operation-body" id="${one.id}">
${operation.description === undefined ? null : html`<div class="prose">${prose(operation.description)}</div>`}
${credentials(document, operation.security)}
${parameters(document, operation)}
${request(document, operation)}
${responses(document, operation)}
</div>
</details>`;
}

/** Who may ask, by what they have to show. */
function credentials(
  document: OpenApiDocument,
  security: readonly SecurityRequirement[] | undefined,
): Html | null {
  if (security === undefined) return null;
  const wanted = security.filter((one) => Object.keys(one).length > 0);
  if (wanted.length === 0) return html`<h4>Credential</h4><p>None.</p>`;
  const isOptional = wanted.length < security.length;
  const lead = isOptional ? 'None, or one of these, depending on what is asked:' : 'One of these:';
  return html`<h4>Credential</h4>
${isOptional || wanted.length > 1 ? html`<p>${lead}</p>` : null}
<ul class="credentials">${wanted.map((one) => html`<li>${shown(document, one)}</li>`)}</ul>`;
}

function shown(document: OpenApiDocument, requirement: SecurityRequirement): readonly Part[] {
  return Object.entries(requirement).map(([name, held], index) => {
    const scheme = document.components?.securitySchemes?.[name];
    const { description } = scheme ?? {};
    return html`${index === 0 ? null : ', and '}<code>${scheme === undefined ? name : placeOf(scheme)}</code>${
      description === undefined ? null : html`: ${inline(description)}`
    }${held.length === 0 ? null : html`, with the permission <code>${held.join(' ')}</code>`}`;
  });
}

/** Where in a request a credential stands. */
function placeOf({ in: place, name, scheme = '' }: OpenApiSecurityScheme): string {
  if (place === 'cookie') return `Cookie: ${name ?? ''}`;
  if (place === 'header') return name ?? '';
  return `Authorization: ${scheme.slice(0, 1).toUpperCase()}${scheme.slice(1)}`;
}

function parameters(document: OpenApiDocument, operation: OpenApiOperation): Html | null {
  const found = (operation.parameters ?? [])
    .map((value) => parameter(document, value))
    .filter((value) => value !== null);
  if (found.length === 0) return null;
  const rows = found.map((one) => {
    const resolved = schema(document, one.schema);
    const described = { ...resolved, description: one.description ?? resolved.description };
    return fieldRow(document, { ...one, schema: described, required: one.required === true }, [], one.in);
  });
  return html`<h4>Parameters</h4><dl class="fields">${rows}</dl>`;
}

function request(document: OpenApiDocument, operation: OpenApiOperation): Html | null {
  const body = requestBody(document, operation.requestBody);
  if (body === null) return null;
  return html`<h4>Request body</h4>
${body.description === undefined ? null : html`<div class="prose">${prose(body.description)}</div>`}
${contentOf(document, body.content)}`;
}

function responses(document: OpenApiDocument, operation: OpenApiOperation): Html {
  const rows = Object.entries(operation.responses).map(([code, value]) => {
    const found = response(document, value);
    return html`<li class="response">
<p><span class="code c${code.slice(0, 1)}">${code}</span> ${found === null ? 'Not described' : inline(found.description)}</p>
${found?.content === undefined ? null : foldedContent(document, code, found.content)}
</li>`;
  });
  return html`<h4>Responses</h4><ul class="responses">${rows}</ul>`;
}

function foldedContent(document: OpenApiDocument, code: string, content: Content): Html | null {
  const hasFields = Object.values(content).some(
    (media) => nested(document, schema(document, media.schema), []) !== null,
  );
  if (!hasFields) return null;
  return html`<details><summary>Fields<span class="unseen"> of ${code}</span></summary>${contentOf(document, content)}</details>`;
}

/** Media types that share a schema are named together: JSON and a form take the same fields. */
function contentOf(document: OpenApiDocument, content: Content): Html {
  const bySchema = new Map<string, { readonly schema: JsonSchema; readonly types: string[] }>();
  for (const [type, media] of Object.entries(content)) {
    const resolved = schema(document, media.schema);
    const key = JSON.stringify(resolved);
    const known = bySchema.get(key);
    if (known === undefined) bySchema.set(key, { schema: resolved, types: [type] });
    else known.types.push(type);
  }
  return html`${[...bySchema.values()].map(
    (one) => html`<p class="media soft">${one.types.map((type) => html`<code>${type}</code> `)}</p>
${nested(document, one.schema, []) ?? html`<p>${typeLabel(document, one.schema)}</p>`}`,
  )}`;
}

/**
 * The fields within a value: an object's own, those of a list's items, or those
 * of each alternative. `outer` are the values around it: an object within itself
 * is not shown again.
 */
function nested(document: OpenApiDocument, value: JsonSchema, outer: readonly JsonSchema[]): Html | null {
  const again = outer.some((one) => one.properties !== undefined && one.properties === value.properties);
  if (again || outer.length >= MAX_DEPTH) return null;
  const within = [...outer, value];
  const fields = properties(document, value);
  if (fields.length > 0) {
    return html`<dl class="fields">${fields.map((one) => fieldRow(document, one, within, null))}</dl>`;
  }
  const item = items(document, value);
  if (item !== null) return nested(document, item, within);
  const parts = alternatives(document, value)
    .map((part) => nested(document, part, within))
    .filter((part) => part !== null);
  if (parts.length < 2) return parts[0] ?? null;
  return html`<p class="soft">One of these:</p>${parts}`;
}

function fieldRow(
  document: OpenApiDocument,
  one: Property,
  outer: readonly JsonSchema[],
  place: string | null,
): Html {
  const facts = [place, typeLabel(document, one.schema), limits(one.schema)].filter((fact) => fact !== null);
  const { description } = one.schema;
  return html`<div>
<dt><code>${one.name}</code></dt>
<dd><p class="type">${facts.join(', ')}${one.required ? html` <span class="required">required</span>` : null}</p>
${description === undefined ? null : html`<div class="prose">${prose(description)}</div>`}
${nested(document, one.schema, outer)}</dd>
</div>`;
}

/** Paragraphs of a description; of Markdown, only blank lines and code spans are read. */
function prose(text: string): readonly Html[] {
  return text
    .split(/\n\s*\n/)
    .filter((part) => part.trim() !== '')
    .map((part) => html`<p>${inline(part.trim())}</p>`);
}

function inline(text: string): readonly Part[] {
  const parts = text.split('`');
  // An odd number of backticks is no code span: the text stays as it is.
  if (parts.length % 2 === 0) return [text];
  return parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}
