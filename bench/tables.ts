/** Numbers as the tables of the report have them. */
export const whole = (value: number): string => value.toFixed(0);
export const micros = (value: number): string => value.toFixed(1);
export const ratio = (value: number): string => value.toFixed(2);
export const span = ([least, most]: readonly [number, number]): string => `${ratio(least)}–${ratio(most)}`;

/** Writes a table, its first column to the left and all others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  const format = (line: readonly string[]): string => line.map(cell).join('  ').trimEnd();
  return [format(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(format)].join('\n');
}
