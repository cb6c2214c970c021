import { existsSync, readFileSync } from 'node:fs';

/** @param {unknown} value @returns {Record<string, unknown>} */
function record(value) {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/**
 * What the workshop reads of a `package.json`; empty where there is none.
 *
 * @param {string} file
 */
export function readManifest(file) {
  /** @type {unknown} */
  const json = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const fields = record(json);
  /** @param {string} field */
  const names = (field) => Object.keys(record(fields[field]));
  return {
    dependencies: names('dependencies'),
    /** Whatever an importer may count on. */
    declared: [...names('dependencies'), ...names('optionalDependencies'), ...names('peerDependencies')],
    peerDependencies: names('peerDependencies'),
    devDependencies: names('devDependencies'),
    bin: Object.values(record(fields['bin'])).filter((value) => typeof value === 'string'),
    /** @param {string} entry A key of `exports`. @param {string} condition */
    target(entry, condition) {
      const value = record(record(fields['exports'])[entry])[condition];
      return typeof value === 'string' ? value : null;
    },
    /** What `exports` promises to those who install the package. */
    outputs: Object.values(record(fields['exports']))
      .flatMap((value) => [record(value)['types'], record(value)['default']])
      .filter((value) => typeof value === 'string'),
  };
}
