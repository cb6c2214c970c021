/** Where headers are read: `Headers`, or anything that answers as it does. */
export interface HeaderSource {
  /** The values of a header, joined as `Headers` joins them; `null` for none. */
  get(name: string): string | null;
  has(name: string): boolean;
}

/** As much of a request as a check reads; a `Request` is one. */
export interface RequestHead {
  readonly method: string;
  readonly headers: HeaderSource;
}

/**
 * Reads headers where Node's HTTP server has left them (`rawHeaders`), without a
 * `Headers` for each request: that one validates and copies them all, which costs
 * more than the check that reads two. Repeated headers are kept, unlike in
 * `IncomingMessage.headers`, so that two of what must be one are noticed.
 */
export function rawHeaderSource(raw: readonly string[]): HeaderSource {
  const get = (name: string): string | null => {
    let found: string | null = null;
    for (let index = 0; index < raw.length; index += 2) {
      const candidate = raw[index];
      if (candidate?.length !== name.length || candidate.toLowerCase() !== name) continue;
      const value = raw[index + 1] ?? '';
      if (found === null) found = value;
      else found += `${name === 'cookie' ? '; ' : ', '}${value}`;
    }
    return found;
  };
  return { get, has: (name) => get(name) !== null };
}
