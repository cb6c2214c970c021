/** The configuration is wrong: one line that says what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Refuses an option: its name, and what is wrong or what to do, in one line. */
export function refuse(name: string, what: string): never {
  throw new ConfigError(`${name} ${what}`);
}
