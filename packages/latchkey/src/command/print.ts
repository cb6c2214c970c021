/** What every command takes that prints something. */
export interface Output {
  readonly json?: true;
}

/** What commands take that end something. */
export interface Asked extends Output {
  readonly yes?: true;
}

/** How points in time are named in what the library answers: people and scripts read them as RFC 3339. */
const TIME = /^(?:at|deadline)$|(?:At|By|Until)$/;

/** Prints a value as one line of JSON. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, (name, inner: unknown) =>
    TIME.test(name) && typeof inner === 'number' ? timeOf(inner) : inner,
  );
  process.stdout.write(`${text}\n`);
}

/** Prints a line for people. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints rows in columns. */
export function printColumns(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => printable(row[column] ?? '').length)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) => printable(cell).padEnd(widths[column] ?? 0));
    print(cells.join('  ').trimEnd());
  }
}

/** A point in time for people. */
export function timeOf(at: number): string {
  return new Date(at).toISOString();
}

/** What somebody called themselves must not move the cursor of a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
