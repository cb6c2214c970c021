import { z } from 'zod';
import { ADMIN_PERMISSION } from '../access/access.ts';
import { CODES, type Code } from '../errors.ts';
import { NO_GOOD_KEY } from './problem.ts';
import { type Asker, isForServices, type RouteDocument } from './route.ts';
import { ROUTES } from './routes/all.ts';
import { GATEWAY_HEADER } from './routes/forward.ts';
import { problemShape } from './wire.ts';

/** An OpenAPI 3.1 document, as far as we write it. */
export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: RouteDocument['tag']; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: Readonly<Record<string, unknown>>;
}

/** Writes the OpenAPI document from the schemas that validate requests, so that the two cannot differ. */
export function openApi(options: {
  readonly origin: string;
  readonly version: string;
  readonly cookieName: string;
}): OpenApi {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { path, method, document } of ROUTES) {
    if (document === null) continue;
    (paths[path] ??= {})[method.toLowerCase()] = operation(path, document);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Latchkey',
      version: options.version,
      description:
        'Sign-up, sign-in, sessions, tokens, and receipts of what was revoked. Errors are RFC 9457 problems with a `code`.',
    },
    servers: [{ url: options.origin }],
    tags: TAGS,
    paths,
    components: {
      schemas: { Problem: schemaOf(problemShape) },
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: options.cookieName,
          description: 'the session of a user, as sign-in sets it',
        },
        gateway: {
          type: 'apiKey',
          in: 'header',
          name: GATEWAY_HEADER,
          description: 'the key of the gateway, which is a client: `lks_…`',
        },
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT (RFC 9068)',
          description: 'an access token of a user',
        },
        clientBasic: {
          type: 'http',
          scheme: 'basic',
          description: 'the name of a service and its key, as `latchkey clients create` prints it',
        },
        clientKey: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'lks_…',
          description: 'the key of a service alone: `lks_…`',
        },
      },
    },
  };
}

function operation(path: string, document: RouteDocument): Record<string, unknown> {
  const { summary, tag, body, query, media, status, answer, errors } = document;
  const { produces = 'application/json' } = document;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries<z.core.$ZodType>(query.shape).map(([name, schema]) => {
    const { description, ...rest } = schemaOf(schema);
    return {
      name,
      in: 'query',
      required: !z.safeParse(schema, undefined).success,
      description,
      schema: rest,
    };
  });
  const parameters = [...inPath, ...inQuery];
  return {
    summary,
    tags: [tag],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(Object.keys(body.shape).length === 0
      ? {}
      : {
          requestBody: {
            required: true,
            content: Object.fromEntries(media.map((type) => [type, { schema: schemaOf(body) }])),
          },
        }),
    responses: {
      [status]: {
        description: 'Done',
        ...(answer === null ? {} : { content: { [produces]: { schema: schemaOf(answer) } } }),
      },
      ...Object.fromEntries(
        [...Map.groupBy(errors, (code) => CODES[code].status)]
          .toSorted(([left], [right]) => left - right)
          .map(([error, codes]) => [error, problemAnswer(codes, document)]),
      ),
    },
    security: document.askers.flatMap((asker) => SECURITY[asker]),
  };
}

/** In the order in which they are shown; `docs/…` are files of the project. */
const TAGS: OpenApi['tags'] = [
  { name: 'Account' },
  { name: 'Sessions' },
  { name: 'Revocation' },
  {
    name: 'Tokens',
    description:
      'An access token is for one audience: the issuer itself, or the `audience` that was asked for. `docs/services.md` shows with curl how a user and a service get one, and what it is worth; `docs/gateway.md` is for gateways.',
  },
  {
    name: 'Feed',
    description: 'How a service follows the revocation log. `docs/feed.md` says all of it.',
  },
  { name: 'Administration' },
  { name: 'Set-up' },
];

/** By which of the security schemes somebody asks. */
const SECURITY: Readonly<Record<Asker, readonly Record<string, readonly string[]>[]>> = {
  anybody: [{}],
  user: [{ session: [] }, { token: [] }],
  // OpenAPI 3.1.1, "Security Requirement Object": what must be held beside such a scheme stands in its list.
  administrator: [{ session: [ADMIN_PERMISSION] }, { token: [ADMIN_PERMISSION] }],
  browser: [{ session: [] }],
  service: [{ clientBasic: [] }, { clientKey: [] }],
  gateway: [
    { gateway: [], session: [] },
    { gateway: [], token: [] },
  ],
};

function problemAnswer(
  codes: readonly Code[],
  { askers, problem }: Pick<RouteDocument, 'askers' | 'problem'>,
): Record<string, unknown> {
  const said = (code: Code): string =>
    code === 'LK_UNAUTHENTICATED' && isForServices(askers) ? NO_GOOD_KEY : CODES[code].title;
  return {
    description: codes.map((code) => `\`${code}\`: ${said(code)}`).join('. '),
    content:
      problem === undefined
        ? { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
        : { 'application/json': { schema: schemaOf(problem) } },
  };
}

function schemaOf(schema: z.core.$ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
  });
  return rest;
}
