// How deep what a caller sends may be nested. Whatever walks it calls itself for each level (parsers, coercion, cost, serializers), so that
// without a bound a few kilobytes end in an overflow of the stack.
import { CodedError } from '#schema/contracts/errors';

/** Of variables, extensions and documents, brackets counted. */
export const MAX_NESTING = 200;

/** @throws BAD_REQUEST with limit and size */
export function assertShallow(value: unknown, what: string): void {
  if (isDeeperThan(value, MAX_NESTING)) throw tooDeep(what);
}

/** Before it is parsed; what stands in strings and comments does not count. @throws BAD_REQUEST with limit and size */
export function assertShallowDocument(text: string): void {
  if (text.length <= MAX_NESTING) return;
  let depth = 0;
  for (const [token] of text.matchAll(/"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*|[[\](){}]/g)) {
    if (token === '{' || token === '[' || token === '(') {
      if (++depth > MAX_NESTING) throw tooDeep('the document');
    } else if (token === '}' || token === ']' || token === ')') depth--;
  }
}

export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const element of value as unknown[]) if (typeof element === 'object' && isDeeperThan(element, levels - 1)) return true;
    return false;
  }
  for (const element of Object.values(value)) if (typeof element === 'object' && isDeeperThan(element, levels - 1)) return true;
  return false;
}

/** Counting stops at the first level too many. */
function tooDeep(what: string): CodedError {
  return new CodedError('BAD_REQUEST', `${what}: expected at most ${MAX_NESTING} levels of nesting, got more`, {
    details: { limit: 'nesting', maximum: MAX_NESTING, actual: MAX_NESTING + 1 },
  });
}
