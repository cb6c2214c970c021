import { provideProgram } from './program.mjs';

const CHROMIUM = {
  need: 'the tests in tests/browser need a Chromium',
  names: ['chromium', 'google-chrome', 'chromium-browser'],
  variable: 'LATCHKEY_CHROMIUM',
  debianPackage: 'chromium',
  otherwise: 'leave these tests out: npm test -- --without browser',
};

/**
 * The path of a Chromium, installed where it is missing and that is allowed.
 *
 * @param {NodeJS.ProcessEnv} env
 * @throws {import('./program.mjs').ProgramMissing}
 */
export function provideChromium(env) {
  return provideProgram(CHROMIUM, env);
}
