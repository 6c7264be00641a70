/** One line a goal: what was measured, against what, and whether it holds. */
export function report(what: string, value: number, bound: 'at most' | 'at least', goal: number): void {
  const isReached = bound === 'at most' ? value <= goal : value >= goal;
  console.log(`${isReached ? 'reached' : 'MISSED '}  ${what}: ${value.toFixed(2)} (goal: ${bound} ${goal.toFixed(2)})`);
}

/** Columns as wide as their widest cell, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const texts = [head, ...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? toText(cell) : cell)))];
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  return texts
    .map(
      (row) =>
        `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number))).join(' | ')} |`,
    )
    .toSpliced(1, 0, `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`)
    .join('\n');
}

function toText(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
