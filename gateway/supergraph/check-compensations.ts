// Every `@compensate` of a service, checked when composing: an undo that cannot work must not be found out in the middle of a failure.
import {
  type DocumentNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  OperationTypeNode,
  print,
  type TypeNode,
} from 'graphql';
import type { CompositionProblem } from '#schema/contracts/supergraph';
import { type ArgumentSource, readCompensation } from '../planning/compensate-directive.js';

type Member = FieldDefinitionNode | InputValueDefinitionNode;

/** @returns problems with the codes COMPENSATE_MALFORMED, COMPENSATE_UNDO_UNKNOWN, COMPENSATE_ARGUMENT_UNKNOWN, COMPENSATE_ARGUMENT_MISSING, COMPENSATE_PATH_UNKNOWN, COMPENSATE_TYPE_MISMATCH */
export function checkCompensations(service: string, document: DocumentNode): CompositionProblem[] {
  const members = collectMembers(document);
  const mutation = mutationTypeName(document);
  const mutations = (members.get(mutation) ?? []) as FieldDefinitionNode[];
  return mutations.flatMap((field) => {
    const problems = checkField(field, mutations, members);
    const line = field.loc?.startToken.line;
    return problems.map(({ code, message }) => ({
      code,
      message: `[${service}] @compensate on "${mutation}.${field.name.value}": ${message}`,
      service,
      coordinate: `${mutation}.${field.name.value}`,
      ...(line === undefined ? {} : { line }),
    }));
  });
}

function checkField(
  field: FieldDefinitionNode,
  mutations: readonly FieldDefinitionNode[],
  members: ReadonlyMap<string, readonly Member[]>,
): { code: string; message: string }[] {
  const compensation = readCompensation(field.directives);
  if (compensation === undefined) return [];
  const { malformed, arguments: sources } = compensation;
  const problems = malformed.map((entry) => ({
    code: 'COMPENSATE_MALFORMED',
    message: `expected "name: args.path" or "name: result.path", got "${entry}"`,
  }));
  const undo = mutations.find(({ name }) => name.value === compensation.with);
  if (undo === undefined)
    return [...problems, { code: 'COMPENSATE_UNDO_UNKNOWN', message: `the service has no mutation field "${compensation.with}"` }];

  const wanted = new Map((undo.arguments ?? []).map((argument) => [argument.name.value, argument]));
  for (const source of sources) {
    const target = wanted.get(source.name);
    if (target === undefined) {
      problems.push({ code: 'COMPENSATE_ARGUMENT_UNKNOWN', message: `"${compensation.with}" has no argument "${source.name}"` });
      continue;
    }
    wanted.delete(source.name);
    const path = [source.from, ...source.path].join('.');
    const found = resolveSource(field, source, members);
    if ('unknown' in found) problems.push({ code: 'COMPENSATE_PATH_UNKNOWN', message: `"${path}" leads nowhere: ${found.unknown}` });
    else if (!fits(found, target))
      problems.push({
        code: 'COMPENSATE_TYPE_MISMATCH',
        message: `"${path}" is ${printSource(found)}, and the argument "${source.name}" of "${compensation.with}" takes ${print(target.type)}`,
      });
  }
  for (const [name, { type, defaultValue }] of wanted) {
    if (type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined)
      problems.push({ code: 'COMPENSATE_ARGUMENT_MISSING', message: `"${compensation.with}" needs the argument "${name}"` });
  }
  return problems;
}

/** `nullable`: the last field's type, or something on the way to it, may be null. */
interface Source {
  type: TypeNode;
  nullable: boolean;
}

function resolveSource(
  field: FieldDefinitionNode,
  { from, path }: ArgumentSource,
  members: ReadonlyMap<string, readonly Member[]>,
): Source | { unknown: string } {
  // A step is undone only when it answered, so its own result is there.
  let at: Source = { type: unwrap(field.type), nullable: false };
  let known: readonly Member[] | undefined = from === 'args' ? (field.arguments ?? []) : membersOf(at.type, members);
  for (const [index, name] of path.entries()) {
    if (index > 0 && at.type.kind === Kind.LIST_TYPE) return { unknown: `"${path[index - 1]}" is a list` };
    const member = known?.find((candidate) => candidate.name.value === name);
    if (member === undefined) return { unknown: `there is no "${name}"` };
    // A field with arguments of its own would need values for them.
    if (member.kind === Kind.FIELD_DEFINITION && member.arguments?.some(isRequired) === true)
      return { unknown: `"${name}" has required arguments` };
    const filled = member.kind === Kind.INPUT_VALUE_DEFINITION && member.defaultValue !== undefined;
    at = { type: unwrap(member.type), nullable: at.nullable || (member.type.kind !== Kind.NON_NULL_TYPE && !filled) };
    known = membersOf(at.type, members);
  }
  if (from === 'result' && known !== undefined) return { unknown: 'it is an object; name one of its fields' };
  return at;
}

function fits({ type, nullable }: Source, target: InputValueDefinitionNode): boolean {
  if (nullable && isRequired(target)) return false;
  return isSame(type, unwrap(target.type));
}

/** Element types may be stricter than what is taken, never looser; text may stand for an id. */
function isSame(given: TypeNode, taken: TypeNode): boolean {
  if (taken.kind === Kind.NON_NULL_TYPE) return given.kind === Kind.NON_NULL_TYPE && isSame(given.type, taken.type);
  if (given.kind === Kind.NON_NULL_TYPE) return isSame(given.type, taken);
  if (given.kind === Kind.LIST_TYPE || taken.kind === Kind.LIST_TYPE)
    return given.kind === Kind.LIST_TYPE && taken.kind === Kind.LIST_TYPE && isSame(given.type, taken.type);
  return given.name.value === taken.name.value || (taken.name.value === 'ID' && given.name.value === 'String');
}

function printSource({ type, nullable }: Source): string {
  return print(type) + (nullable ? ', which may be null' : '!');
}

function isRequired({ type, defaultValue }: InputValueDefinitionNode): boolean {
  return type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined;
}

function unwrap(type: TypeNode): TypeNode {
  return type.kind === Kind.NON_NULL_TYPE ? type.type : type;
}

function membersOf(type: TypeNode, members: ReadonlyMap<string, readonly Member[]>): readonly Member[] | undefined {
  return type.kind === Kind.NAMED_TYPE ? members.get(type.name.value) : undefined;
}

/** Fields by type name, extensions included; leaf types are absent. */
function collectMembers(document: DocumentNode): Map<string, Member[]> {
  const members = new Map<string, Member[]>();
  for (const definition of document.definitions) {
    switch (definition.kind) {
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.OBJECT_TYPE_EXTENSION:
      case Kind.INTERFACE_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_EXTENSION:
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      case Kind.INPUT_OBJECT_TYPE_EXTENSION:
        members.set(definition.name.value, [...(members.get(definition.name.value) ?? []), ...(definition.fields ?? [])]);
        break;
      case Kind.UNION_TYPE_DEFINITION:
        members.set(definition.name.value, []);
        break;
      default:
    }
  }
  return members;
}

export function mutationTypeName(document: DocumentNode): string {
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.SCHEMA_DEFINITION && definition.kind !== Kind.SCHEMA_EXTENSION) continue;
    const root = definition.operationTypes?.find(({ operation }) => operation === OperationTypeNode.MUTATION);
    if (root !== undefined) return root.type.name.value;
  }
  return 'Mutation';
}
