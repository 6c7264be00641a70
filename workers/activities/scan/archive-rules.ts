import type { PackageFiles } from '#platform/plugin-package/archive';
import { readIdentity } from '#platform/plugin-package/manifest';
import type { ScanFinding } from '#schema/contracts/plugins';

/** Paths a package may hold; anything else is somebody's mistake or worse. */
const EXPECTED =
  /^(plugin\.json|schema\.graphql|MANIFEST\.(json|jws)|README\.md|LICENSE|icon\.png|sbom\.cdx\.json|dist\/plugin\.mjs|(tests|migrations)\/[\w.-]+)$/;
/** First bytes of ELF, Mach-O, PE and WebAssembly. */
const NATIVE: readonly (readonly [string, string])[] = [
  ['7f454c46', 'ELF'],
  ['cffaedfe', 'Mach-O'],
  ['4d5a', 'PE'],
  ['0061736d', 'WebAssembly'],
];

export function scanArchive(files: PackageFiles): ScanFinding[] {
  const findings: ScanFinding[] = [];
  const find = (severity: ScanFinding['severity'], rule: string, message: string, location: string): void =>
    void findings.push({ check: 'archive', severity, rule, message, location });
  for (const [path, content] of files) {
    if (!EXPECTED.test(path)) find('medium', 'archive/unexpected-file', 'is not a file that a plugin package has', path);
    const native = NATIVE.find(([magic]) => content.subarray(0, 4).toString('hex').startsWith(magic));
    if (native !== undefined && path !== 'icon.png') find('high', 'archive/native-code', `is ${native[1]} code`, path);
  }
  if ('scripts' in readIdentity(files).manifest)
    find('high', 'archive/lifecycle-scripts', 'declares scripts that would run at installation', 'plugin.json');
  return findings;
}
