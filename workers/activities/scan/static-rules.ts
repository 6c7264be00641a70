// What the source of a plugin may not hold. A signal beside the sandbox, not in its place: the sandbox has nothing to reach.
import { type Node, parse } from 'acorn';
import { simple } from 'acorn-walk';
import type { PackageFiles } from '#platform/plugin-package/archive';
import type { ScanFinding } from '#schema/contracts/plugins';

/** Invisible and direction-changing characters hide code from a reader: format and private characters, variation selectors, blanks. */
const INVISIBLE = /\p{Cf}|\p{Co}|\p{Variation_Selector}|[\u115f\u1160\u3164\uffa0]/u;
const AMBIENT = new Set(['process', 'require', 'module', 'Deno', 'Bun', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'importScripts']);

type Severity = ScanFinding['severity'];

/** @returns findings in the order of files and places */
export function scanSources(files: PackageFiles): ScanFinding[] {
  return [...files].flatMap(([path, content]) => (/\.[cm]?js$/.test(path) ? scanSource(path, content.toString('utf8')) : []));
}

function scanSource(path: string, source: string): ScanFinding[] {
  const findings: ScanFinding[] = [];
  const find = (severity: Severity, rule: string, message: string, at: number): void => {
    const line = source.slice(0, at).split('\n').length;
    findings.push({ check: 'static', severity, rule, message, location: `${path}:${line}` });
  };
  const invisible = INVISIBLE.exec(source);
  if (invisible !== null)
    find(
      'critical',
      'text/invisible',
      `holds the invisible character U+${invisible[0].codePointAt(0)?.toString(16).toUpperCase()}`,
      invisible.index,
    );

  let tree: Node;
  try {
    tree = parse(source, { ecmaVersion: 'latest', sourceType: 'module' });
  } catch {
    find('high', 'js/syntax', 'is not JavaScript that can be read', 0);
    return findings;
  }
  simple(tree, {
    Identifier: (node) => {
      if (node.name === 'eval') find('high', 'js/dynamic-code', 'uses eval', node.start);
      else if (AMBIENT.has(node.name)) find('medium', 'js/ambient', `names ${node.name}, which a plugin does not have`, node.start);
    },
    CallExpression: (node) => {
      if (isNamed(node.callee, 'Function')) find('high', 'js/dynamic-code', 'makes code by Function()', node.start);
    },
    NewExpression: (node) => {
      if (isNamed(node.callee, 'Function')) find('high', 'js/dynamic-code', 'makes code by new Function()', node.start);
    },
    ImportExpression: (node) => find('high', 'js/import', 'imports at run time', node.start),
    ImportDeclaration: (node) => find('high', 'js/import', 'imports a module: a package is one bundled file', node.start),
    MemberExpression: (node) => {
      const name = propertyName(node);
      if (name === 'constructor' && node.object.type === 'MemberExpression' && propertyName(node.object) === 'constructor')
        find('high', 'js/dynamic-code', 'reaches Function by constructor.constructor', node.start);
      if (name === '__proto__') find('high', 'js/prototype', 'uses __proto__', node.start);
      if (isNamed(node.object, 'globalThis') && node.computed && node.property.type !== 'Literal')
        find('medium', 'js/ambient', 'looks up a global by a computed name', node.start);
    },
  });
  return findings;
}

function isNamed(node: Node, name: string): boolean {
  return node.type === 'Identifier' && (node as Node & { name: string }).name === name;
}

function propertyName({ property, computed }: { property: Node; computed: boolean }): string | undefined {
  if (!computed && property.type === 'Identifier') return (property as Node & { name: string }).name;
  return property.type === 'Literal' ? String((property as Node & { value: unknown }).value) : undefined;
}
