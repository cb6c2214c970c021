import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { next } from 'latchkey/next';
import { listen } from './listen.ts';
import { functions, within } from './next-functions.ts';
import { type Document, type Documents, type Hosted, runSuite, type SuiteAuth } from './suite.ts';

interface Context {
  readonly params: Promise<{ readonly id: string }>;
}

type Handler = (request: Request, context: Context) => Response | Promise<Response>;

/** The route handlers of an application, called as Next calls them; a real Next has the example's test. */
function open(auth: SuiteAuth, documents: Documents): Promise<Hosted> {
  const { handlers, route, session } = next(auth, functions);
  const notes = next(auth, functions, { audience: 'notes' });
  const find = async (_request: Request, { params }: Context): Promise<Document | undefined> =>
    documents.get((await params).id);

  // By their folders.
  const table: Record<string, Handler> = {
    'GET /me': route.signedIn((_request, { principal: { id, via, user } }) =>
      Response.json({ id, via, email: user?.email ?? null }),
    ),
    'POST /me': route.signedIn(() => new Response('done')),
    'GET /notes/me': notes.route.signedIn((_request, { principal }) => Response.json({ id: principal.id })),
    'GET /documents/[id]': route.may('document:read', find, (_request, { principal, resource }) =>
      Response.json({ id: resource.id, reader: principal?.id ?? null }),
    ),
    'PUT /documents/[id]': route.may('document:edit', find, async (request, { resource }) =>
      Response.json({ id: resource.id, body: await request.text() }),
    ),
    'GET /documents/[id]/removal': route.may('document:remove', find, () => new Response('sure?')),
    'DELETE /documents/[id]': route.may('document:remove', find, () => new Response('removed')),
    'GET /reports': route.may('reports:view', () => new Response('reports')),
    'GET /cart': async () => Response.json({ cart: await (await session()).get('cart') }),
    'POST /cart': async (request) => {
      const sku = new URL(request.url).searchParams.get('sku') ?? '';
      await (await session()).update('cart', (cart) => [...cart, sku]);
      return new Response(null, { status: 303, headers: { Location: '/cart', 'Set-Cookie': 'theme=dark' } });
    },
  };
  const ours = new Map<string, Handler>(Object.entries(handlers));
  const handlerOf = (method: string, path: string): Handler => {
    // A file of the application's own goes before `.well-known/[...path]`.
    if (/^\/(auth|\.well-known)(\/|$)/.test(path) && path !== '/.well-known/security.txt')
      return ours.get(method) ?? (() => new Response(null, { status: 405 }));
    const folder = path.replace(/^\/documents\/[^/]+/, '/documents/[id]');
    return table[`${method} ${folder}`] ?? (() => new Response(`app ${path}`));
  };
  const answer = (request: Request): Promise<Response> =>
    within(request.headers, async (setCookies) => {
      const { pathname } = new URL(request.url);
      const params = Promise.resolve({ id: pathname.split('/')[2] ?? '' });
      const response = await handlerOf(request.method, pathname)(request, { params });
      for (const text of setCookies) response.headers.append('Set-Cookie', text);
      return response;
    });
  const listener = getRequestListener(answer);
  return listen(
    createServer((incoming, outgoing) => void listener(incoming, outgoing)),
    auth,
  );
}

runSuite({
  name: 'next',
  open,
  openReadingBodies: 'nothing reads a body before a route handler does',
  skips: {
    'the address that counts is the connection’s own (@asvs 4.1.3)':
      'Next does not tell a handler the address of the connection',
    'a body that something else has read is an error at once and no wait for ever':
      'nothing reads a body before a route handler does',
  },
});
