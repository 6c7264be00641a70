// How deep what a caller sends may be nested. Whatever walks it calls itself for each level (parsers, coercion, cost, serializers), so that
// without a bound a few kilobytes end in an overflow of the stack.
import { CodedError, type ErrorCode } from '#schema/contracts/errors';

/** Levels of brackets in variables, extensions and documents. */
export const MAX_NESTING = 200;

/** @throws BAD_REQUEST with limit and size */
export function assertShallow(value: unknown, what: string): void {
  if (isDeeperThan(value, MAX_NESTING)) throw tooDeep('BAD_REQUEST', what);
}

/** Call it before the parser; strings and comments do not count. @throws GRAPHQL_PARSE_FAILED with limit and size, as for too many tokens */
export function assertShallowDocument(text: string): void {
  if (text.length <= MAX_NESTING) return;
  let depth = 0;
  for (const [token] of text.matchAll(/"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*|[[\](){}]/g)) {
    if (token === '{' || token === '[' || token === '(') {
      if (++depth > MAX_NESTING) throw tooDeep('GRAPHQL_PARSE_FAILED', 'the document');
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
function tooDeep(code: ErrorCode, what: string): CodedError {
  return new CodedError(code, `${what}: expected at most ${MAX_NESTING} levels of nesting, got more`, {
    details: { limit: 'nesting', maximum: MAX_NESTING, actual: MAX_NESTING + 1 },
  });
}
