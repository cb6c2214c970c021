import { z } from 'zod';
import { CODES, type Code } from '../errors.ts';
import type { Asker, RouteDocument } from './route.ts';
import { ROUTES } from './routes/all.ts';
import { GATEWAY_HEADER } from './routes/forward.ts';
import { problemShape } from './wire.ts';

/** An OpenAPI 3.1 document, as far as we write it. */
export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
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
    paths,
    components: {
      schemas: { Problem: schemaOf(problemShape) },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: options.cookieName },
        gateway: { type: 'apiKey', in: 'header', name: GATEWAY_HEADER },
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT (RFC 9068)' },
        clientBasic: { type: 'http', scheme: 'basic', description: 'the name of a client and its key' },
        clientKey: { type: 'http', scheme: 'bearer', bearerFormat: 'lks_…, the key of a client' },
      },
    },
  };
}

function operation(path: string, document: RouteDocument): Record<string, unknown> {
  const { summary, tag, body, query, media, status, answer, errors, problem } = document;
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
          .map(([error, codes]) => [error, problemAnswer(codes, problem)]),
      ),
    },
    security: document.askers.flatMap((asker) => SECURITY[asker]),
  };
}

/** By which of the security schemes somebody asks. */
const SECURITY: Readonly<Record<Asker, readonly Record<string, readonly []>[]>> = {
  user: [{ session: [] }, { token: [] }],
  service: [{ clientBasic: [] }, { clientKey: [] }],
  gateway: [
    { gateway: [], session: [] },
    { gateway: [], token: [] },
  ],
};

function problemAnswer(codes: readonly Code[], problem: z.ZodType | undefined): Record<string, unknown> {
  return {
    description: codes.map((code) => `\`${code}\`: ${CODES[code].title}`).join('. '),
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
