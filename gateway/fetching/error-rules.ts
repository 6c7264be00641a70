// What callers see of whose errors (SLUICE_ERRORS, and `errors` of supergraph.yaml).
import { CODES_FOR_CALLERS, ERROR_DETAILS, type ErrorDetail, type ErrorPolicy, normalizeCode } from '#schema/contracts/error-policy';
import { ANY_SERVICE } from '#schema/contracts/headers';
import type { SupergraphService } from '#schema/contracts/supergraph';

/** By service, or {@link ANY_SERVICE}. */
export type ErrorRules = ReadonlyMap<string, ErrorPolicy>;

/** As it is asked for each error. */
export interface ErrorView {
  show: ErrorDetail;
  /** Normalized codes whose texts pass. */
  texts: ReadonlySet<string>;
}

const SERVICE = /^(\*|[A-Za-z][\w-]{0,63})$/;
const EXPECTED = 'expected services and what callers see of their errors like shop=full;billing=codes:CARD_DECLINED,LIMIT;*=masked';

/**
 * @param text - `shop=full;billing=codes:CARD_DECLINED,LIMIT;*=masked`
 * @returns what is wrong with it, as a sentence, in place of the rules
 */
export function parseErrorRules(text: string): ErrorRules | string {
  const rules = new Map<string, ErrorPolicy>();
  for (const part of text.split(';')) {
    const [service = '', setting = '', ...more] = part.split('=').map((piece) => piece.trim());
    const [show = '', list, ...others] = setting.split(':').map((piece) => piece.trim());
    if (!SERVICE.test(service) || more.length > 0 || others.length > 0 || !isDetail(show)) return EXPECTED;
    const texts = list?.split(',').map((code) => code.trim());
    if (texts !== undefined && (show !== 'codes' || texts.some((code) => code === ''))) return EXPECTED;
    if (rules.has(service)) return `'${service}' is there twice`;
    rules.set(service, { show, ...(texts === undefined ? {} : { texts }) });
  }
  return rules;
}

/** The deployment's word for the service, then the service list's, then the deployment's for all; ours mask their own errors. */
export function toErrorView(
  { name, signed, plugin, errors }: Omit<SupergraphService, 'sdl' | 'host' | 'path'>,
  rules?: ErrorRules,
): ErrorView {
  const own = signed && plugin === null;
  const { show, texts = [] } = rules?.get(name) ??
    errors ??
    (own ? undefined : rules?.get(ANY_SERVICE)) ?? { show: own ? 'full' : 'codes' };
  return { show, texts: new Set([...CODES_FOR_CALLERS, ...texts].map(normalizeCode)) };
}

function isDetail(text: string): text is ErrorDetail {
  return (ERROR_DETAILS as readonly string[]).includes(text);
}
