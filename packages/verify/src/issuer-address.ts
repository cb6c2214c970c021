const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * The origin where an issuer is asked. Over plain http anybody on the way could hand out keys,
 * so that is for loopback alone, and for hosts that are allowed by name.
 *
 * @param issuer as it stands in tokens.
 * @param via an address of the issuer inside a network, where requests go instead.
 * @throws {TypeError} that says what to write instead.
 */
export function issuerAddress(
  issuer: string,
  via: string | undefined,
  insecureHosts: readonly string[],
): string {
  const own = originOf('issuer', issuer);
  if (via === undefined) {
    demandSecure('issuer', own, insecureHosts);
    return own.origin;
  }
  // The issuer itself is not asked there, so how it is spelled is all that counts.
  const inside = originOf('via', via);
  demandSecure('via', inside, insecureHosts);
  return inside.origin;
}

function originOf(name: string, text: string): URL {
  const url = URL.parse(text);
  if (url === null || !['https:', 'http:'].includes(url.protocol) || url.origin !== text) {
    throw new TypeError(
      `${name}: write an origin such as 'https://auth.example.com', without a path or slash`,
    );
  }
  return url;
}

function demandSecure(name: string, { protocol, hostname }: URL, insecureHosts: readonly string[]): void {
  if (protocol === 'https:' || LOOPBACK.has(hostname) || insecureHosts.includes(hostname)) return;
  throw new TypeError(
    `${name}: use https, or where nobody can listen on the way, name the host in unsafe.insecureHosts: ['${hostname}']`,
  );
}
