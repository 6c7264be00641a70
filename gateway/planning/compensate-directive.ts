// `@compensate(with: "deleteFile", arguments: ["id: result.id"])`: which mutation of the same service takes a field's effect back, and
// where its arguments come from: `args.…` is what the field was called with, `result.…` what it answered.
import { type ConstDirectiveNode, Kind } from 'graphql';

export interface Compensation {
  /** Name of the undoing mutation field. */
  with: string;
  arguments: readonly ArgumentSource[];
  /** Entries of `arguments` that are not of the form `name: args.path` or `name: result.path`. */
  malformed: readonly string[];
}

export interface ArgumentSource {
  name: string;
  from: 'args' | 'result';
  /** Empty only for a result that is itself the value. */
  path: readonly string[];
}

const ENTRY = /^\s*([A-Za-z_]\w*)\s*:\s*(args|result)((?:\.[A-Za-z_]\w*)*)\s*$/;

/** @returns undefined when the field has no `@compensate` */
export function readCompensation(directives: readonly ConstDirectiveNode[] | undefined): Compensation | undefined {
  const directive = directives?.find(({ name }) => name.value === 'compensate');
  if (directive === undefined) return undefined;
  const given = (argument: string) => directive.arguments?.find(({ name }) => name.value === argument)?.value;
  const field = given('with');
  const list = given('arguments');
  const entries = list === undefined ? [] : list.kind === Kind.LIST ? list.values : [list];
  const sources: ArgumentSource[] = [];
  const malformed: string[] = [];
  for (const entry of entries) {
    const text = entry.kind === Kind.STRING ? entry.value : '';
    const [, name, from, path = ''] = ENTRY.exec(text) ?? [];
    const source = { name, from, path: path.split('.').slice(1) } as ArgumentSource;
    if (name === undefined || (from === 'args' && source.path.length === 0)) malformed.push(text);
    else sources.push(source);
  }
  return { with: field?.kind === Kind.STRING ? field.value : '', arguments: sources, malformed };
}
