import { z } from 'zod';
import type { Code } from '../../errors.ts';
import { failure, invalid } from '../../errors.ts';
import type { FollowerId } from '../../stores/records.ts';
import { readBody } from '../body.ts';
import type { Exchange } from '../exchange.ts';
import { commonErrors, parse, type Route, type RouteDocument, refuseUnknownQuery } from '../route.ts';
import { requireServiceClient } from '../service-client.ts';

/** The media type of a snapshot. */
export const SNAPSHOT_TYPE = 'application/vnd.latchkey.revlog';

/** In which a service says what it does with tokens that it cannot know of; a later version may say more. */
const UNKNOWN_HEADER = 'X-Latchkey-Unknown';

const ERRORS: readonly Code[] = ['LK_UNAUTHENTICATED', 'LK_THROTTLED', 'LK_BUSY', 'LK_NOT_FRESH'];

const position = z.int('is no whole number').min(0, 'is negative');

const pullBody = z.strictObject({
  epoch: z
    .string()
    .max(64, 'may have 64 characters at most')
    .regex(/^[\w-]*$/, 'is not base64url')
    .describe('as the last answer or snapshot said; empty for none'),
  tag: position.describe('of the head of that answer; 0 for none'),
  after: position.describe('its head: everything up to there has been applied; 0 for none'),
  follower: z
    .string()
    .regex(/^[\w-]{21}[AQgw]$/, 'is not 16 bytes as base64url')
    .transform((text) => text as FollowerId)
    .describe('which process asks: 16 random bytes, drawn when it starts'),
});

const entryShape = z
  .tuple([z.int(), z.string(), z.string(), z.string(), z.int()])
  .describe('seq, kind, scope, hashed subject, expires_at in seconds');

const pullShape = z.object({
  epoch: z.string(),
  epoch_start: z.int(),
  tag: z.int(),
  head: z.int(),
  now: z.int().describe("the log's clock, in seconds"),
  age_ms: z.int().describe('how old this answer is already'),
  max_staleness_ms: z.int(),
  salt: z.string(),
  entries: z.array(entryShape).nullable().describe('null: load the snapshot'),
});

function documented(
  method: Route['method'],
  summary: string,
  rest: Pick<RouteDocument, 'answer'> & Partial<RouteDocument>,
): RouteDocument {
  return {
    summary,
    tag: 'Feed',
    body: z.object({}),
    query: z.object({}),
    media: [],
    askers: ['service'],
    status: 200,
    ...rest,
    errors: [...commonErrors(method, false), ...ERRORS, ...(rest.errors ?? [])],
  };
}

/** `POST /auth/feed/pull`: what came after a cursor; the proof, and the acknowledgement of what was before. */
export const feedPullRoute: Route = {
  method: 'POST',
  path: '/auth/feed/pull',
  document: documented('POST', 'What came after a position of the revocation log', {
    body: pullBody,
    media: ['application/json'],
    answer: pullShape,
  }),
  ignoresCookie: true,
  run: async (exchange) => {
    const { value } = await readBody(exchange.request, false);
    // After the body, for which a client may take its time.
    const { name } = await requireServiceClient(exchange);
    const { epoch, tag, after, follower } = parse(pullBody, value);
    const acceptsUntilExpiry = exchange.request.headers.get(UNKNOWN_HEADER) === 'accept-until-expiry';
    const question = { epoch, tag, seq: after, follower, acceptsUntilExpiry };
    const text = await exchange.rooms.feed.pull(name, question);
    return new Response(text, {
      headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
    });
  },
};

/** `GET /auth/feed/snapshot`: the whole live set, in binary. */
export const feedSnapshotRoute: Route = {
  method: 'GET',
  path: '/auth/feed/snapshot',
  document: documented(
    'GET',
    'Everything that is live in the revocation log, in binary, as `docs/feed.md` of the project lays it out',
    {
      answer: z.string().describe('binary'),
      produces: SNAPSHOT_TYPE,
      errors: ['LK_NOT_ACCEPTABLE'],
    },
  ),
  ignoresCookie: true,
  run: async (exchange) => {
    const { name } = await requireServiceClient(exchange);
    if (!isAccepted(exchange.request)) throw failure('LK_NOT_ACCEPTABLE');
    const { open, length } = await exchange.rooms.feed.snapshot(name);
    const headers = {
      'Content-Type': SNAPSHOT_TYPE,
      'Content-Length': String(length),
      'Cache-Control': 'no-store, no-transform',
    };
    return new Response(isHead(exchange) ? null : open(exchange.cut), { headers });
  },
};

/** `GET /auth/feed`: hints, as they happen. */
export const feedRoute: Route = {
  method: 'GET',
  path: '/auth/feed',
  document: documented('GET', 'Entries of the revocation log as they are written: hints, no proof', {
    query: z.object({
      after: z.string().optional().describe('a position: what came after it and is at hand goes first'),
    }),
    answer: z.string().describe('server-sent events'),
    produces: 'text/event-stream',
  }),
  ignoresCookie: true,
  run: async (exchange) => {
    const { name: client, subject } = await requireServiceClient(exchange);
    const after = positionAsked(exchange);
    const headers = {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store, no-transform',
      // What stands in between (nginx) must not collect what is to be heard at once.
      'X-Accel-Buffering': 'no',
    };
    if (isHead(exchange)) return new Response(null, { headers });
    const { services, request, cut } = exchange;
    const check = (): Promise<unknown> => requireServiceClient({ services, request });
    const body = await exchange.rooms.feed.listen({ client, subject, check, cut }, after);
    return new Response(body, { headers });
  },
};

/** A `HEAD` is answered by the route of `GET`, and its body read by nobody. */
function isHead({ request }: Exchange): boolean {
  return request.method === 'HEAD';
}

/** By name alone: whoever asks for anything would not know what to do with it. */
function isAccepted(request: Request): boolean {
  const accepted = (request.headers.get('accept') ?? '').split(',');
  return accepted.some((each) => {
    const [type = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    return type === SNAPSHOT_TYPE && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/** WHATWG HTML §9.2.4: an `EventSource` that connects again says where it was; that is later than what its URL says. */
function positionAsked({ request, url }: Exchange): number | null {
  refuseUnknownQuery(url, ['after']);
  const last = request.headers.get('last-event-id');
  const text = last === null || last === '' ? url.searchParams.get('after') : last;
  if (text === null) return null;
  const seq = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(seq)) throw invalid('after', 'is no position');
  return seq;
}
