/** The keys of a table, as its type knows them. */
export function names<Key extends string>(table: Readonly<Record<Key, unknown>>): readonly Key[] {
  return Object.keys(table).filter((name): name is Key => name in table);
}
