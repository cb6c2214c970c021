import { AsyncLocalStorage } from 'node:async_hooks';
import type { NextFunctions } from 'latchkey/next';

/** What Next's functions throw to say how it goes on. */
class Interruption extends Error {
  readonly response: Response;

  constructor(status: number, headers: Record<string, string> = {}) {
    super(`interrupted with ${status}`);
    this.response = new Response(null, { status, headers });
  }
}

/** One request as Next keeps it while something of the application is called for it. */
interface Call {
  readonly headers: Headers;
  readonly setCookies: string[];
}

const calls = new AsyncLocalStorage<Call>();

function current(): Call {
  const call = calls.getStore();
  if (call === undefined) throw new Error('called outside of a request');
  return call;
}

function interrupt(status: number, headers?: Record<string, string>): never {
  throw new Interruption(status, headers);
}

/** What Next's own functions do, as far as an application notices. Without a request they throw, as while building. */
export const functions: NextFunctions = {
  headers: async () => current().headers,
  cookies: async () => {
    const { setCookies } = current();
    return {
      set: ({ name, value, path, maxAge, secure, httpOnly, sameSite }) => {
        const flags = `${secure ? '; Secure' : ''}; HttpOnly=${httpOnly}; SameSite=${sameSite}`;
        setCookies.push(`${name}=${value}; Path=${path}; Max-Age=${maxAge}${flags}`);
      },
    };
  },
  redirect: (path) => interrupt(307, { Location: path }),
  notFound: () => interrupt(404),
  forbidden: () => interrupt(403),
};

/** Calls something of the application as Next does for a request, and answers what it returns or was interrupted with. */
export async function within<Result>(
  headers: Headers,
  act: (setCookies: string[]) => Promise<Result>,
): Promise<Result | Response> {
  const setCookies: string[] = [];
  try {
    return await calls.run({ headers, setCookies }, () => act(setCookies));
  } catch (error) {
    if (error instanceof Interruption) return error.response;
    throw error;
  }
}
