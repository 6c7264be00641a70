import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Lines, in percent. Workflow code is counted inside its sandbox bundle. */
const GATES: readonly { folder: string; minimum: number }[] = [
  { folder: 'gateway/execution/', minimum: 90 },
  { folder: 'gateway/routing/', minimum: 90 },
  { folder: 'gateway/planning/', minimum: 90 },
  { folder: 'workers/workflows/', minimum: 90 },
  { folder: '', minimum: 80 },
];

interface FileCoverage {
  lines: { total: number; covered: number };
}

/** @returns a sentence for each gate that does not hold */
export async function assertCoverage(summaryFile: URL): Promise<string[]> {
  const summary = JSON.parse(await readFile(summaryFile, 'utf8')) as Record<string, FileCoverage>;
  const root = fileURLToPath(new URL('../', import.meta.url));
  const files = Object.entries(summary).flatMap(([path, coverage]) =>
    path === 'total' ? [] : [{ path: path.replace(root, ''), ...coverage }],
  );
  return GATES.flatMap(({ folder, minimum }) => {
    const inside = files.filter((file) => file.path.startsWith(folder));
    const total = inside.reduce((sum, file) => sum + file.lines.total, 0);
    const covered = inside.reduce((sum, file) => sum + file.lines.covered, 0);
    const percent = total === 0 ? 0 : (covered / total) * 100;
    console.log(`coverage of ${folder || 'all rooms'}: ${percent.toFixed(1)} % of ${total} lines (at least ${minimum} %)`);
    return percent >= minimum ? [] : [`${folder || 'all rooms'} has ${percent.toFixed(1)} %, less than ${minimum} %`];
  });
}
