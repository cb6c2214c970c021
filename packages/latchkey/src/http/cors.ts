/** Lets pages of a listed origin, and no others, read an answer (Fetch §3.3). */
export function allowListedOrigin(request: Request, headers: Headers, listed: ReadonlySet<string>): void {
  if (listed.size === 0) return;
  headers.append('Vary', 'Origin');
  const origin = request.headers.get('origin');
  if (origin === null || !listed.has(origin)) return;
  headers.set('Access-Control-Allow-Origin', origin);
  headers.set('Access-Control-Allow-Credentials', 'true');
  headers.set('Access-Control-Expose-Headers', 'Retry-After, WWW-Authenticate, X-Request-Id');
}

/** A browser asks before it sends what a page of a listed origin wrote (Fetch §4.8). */
export function preflight(
  request: Request,
  methods: readonly string[],
  listed: ReadonlySet<string>,
): Response {
  const origin = request.headers.get('origin');
  const headers = new Headers({ Vary: 'Origin', Allow: ['OPTIONS', ...methods].join(', ') });
  if (origin !== null && listed.has(origin)) {
    headers.set('Access-Control-Allow-Origin', origin);
    headers.set('Access-Control-Allow-Credentials', 'true');
    headers.set('Access-Control-Allow-Methods', methods.join(', '));
    headers.set('Access-Control-Allow-Headers', 'Content-Type, Authorization');
    headers.set('Access-Control-Max-Age', '600');
  }
  return new Response(null, { status: 204, headers });
}
