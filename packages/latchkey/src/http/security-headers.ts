/**
 * Headers of every answer of ours: nothing is run, framed, sniffed or fetched
 * from elsewhere.
 *
 * `Referrer-Policy` is `same-origin` and not `no-referrer`: under the latter a
 * browser sends `Origin: null` with a form, and the rule for cross-site requests
 * could not tell its own pages from others.
 */
export function securityHeaders(options: {
  /** Whether the deployment is served by https. */
  readonly secure: boolean;
  /** Further origins to which a form's redirect may lead. */
  readonly formTargets: Iterable<string>;
}): readonly (readonly [string, string])[] {
  const formAction = ["'self'", ...options.formTargets].join(' ');
  const headers: [string, string][] = [
    [
      'Content-Security-Policy',
      `default-src 'none'; style-src 'self'; img-src 'self'; form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
    ],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'DENY'],
    ['Referrer-Policy', 'same-origin'],
    ['Cross-Origin-Opener-Policy', 'same-origin'],
    ['Permissions-Policy', 'camera=(), geolocation=(), microphone=()'],
  ];
  if (options.secure) headers.push(['Strict-Transport-Security', 'max-age=63072000; includeSubDomains']);
  return headers;
}
