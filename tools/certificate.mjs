import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { provideProgram } from './program.mjs';

const OPENSSL = {
  need: 'the tests of TLS proxies need openssl',
  names: ['openssl'],
  variable: 'LATCHKEY_OPENSSL',
  debianPackage: 'openssl',
  otherwise: 'leave these tests out: npm test -- --without gateway',
};

/**
 * The path of an openssl, installed where it is missing and that is allowed.
 *
 * @param {NodeJS.ProcessEnv} env
 * @throws {import('./program.mjs').ProgramMissing}
 */
export function provideOpenssl(env) {
  return provideProgram(OPENSSL, env);
}

/**
 * Makes a certificate for `localhost`, good for a day, which is its own authority.
 *
 * @returns {{ readonly certificate: string, readonly key: string }} Both in PEM.
 * @throws {import('./program.mjs').ProgramMissing}
 */
export function makeCertificate() {
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-certificate-'));
  const [key, certificate] = [path.join(folder, 'key'), path.join(folder, 'certificate')];
  const kind = ['-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '1'];
  const whose = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  try {
    execFileSync(
      provideOpenssl(process.env),
      ['req', ...kind, ...whose, '-keyout', key, '-out', certificate],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
