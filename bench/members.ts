/** The same object with some of its methods replaced. */
export function members<Target extends object>(target: Target, replaced: Partial<Target>): Target {
  return new Proxy(target, {
    get: (from, name) => {
      const value: unknown = Reflect.get(Reflect.has(replaced, name) ? replaced : from, name);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => Reflect.apply(value, from, given);
    },
  });
}
