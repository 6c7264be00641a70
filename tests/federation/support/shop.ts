// Three services whose mutations have undos: stock (by arguments), orders (by its answer), parcels (not to be repeated, and without undo).
import { createWorld, type Service, type World } from './federated-world.js';

const DIRECTIVES = `
  extend schema @link(url: "https://sluice.dev/directives/v1.0", import: ["@idempotent", "@compensate"])
    @federation__composeDirective(name: "@idempotent") @federation__composeDirective(name: "@compensate")
  directive @idempotent on FIELD_DEFINITION
  directive @compensate(with: String!, arguments: [String!]! = []) on FIELD_DEFINITION
`;

export interface Shop extends World {
  /** What has taken effect and was not undone, in order. */
  effects: string[];
  /** Mutation fields that refuse, with the code that they give. */
  refuses: Set<string>;
}

export function createShop(): Shop {
  const effects: string[] = [];
  const refuses = new Set<string>();
  let orders = 0;
  const unlessRefused = (field: string): void => {
    if (refuses.has(field)) throw new Error(`${field} refused`);
  };
  const take = (effect: string): void => void effects.splice(effects.indexOf(effect) >>> 0, effects.includes(effect) ? 1 : 0);

  const services: Service[] = [
    {
      name: 'stock',
      sdl: `${DIRECTIVES}
        type Query { shelf: Int }
        type Mutation {
          reserve(input: ReserveInput!): Item! @idempotent @compensate(with: "release", arguments: ["sku: args.input.sku", "amount: args.input.amount"])
          release(sku: ID!, amount: Int!): Boolean! @idempotent
        }
        input ReserveInput { sku: ID!  amount: Int! = 1 }
        type Item @key(fields: "sku") { sku: ID!  name: String }`,
      resolvers: {
        Mutation: {
          reserve: (_: unknown, { input }: { input: { sku: string; amount: number } }) => {
            unlessRefused('reserve');
            effects.push(`reserved ${input.amount} ${input.sku}`);
            return { sku: input.sku, name: 'lamp' };
          },
          release: (_: unknown, { sku, amount }: { sku: string; amount: number }) => {
            unlessRefused('release');
            take(`reserved ${amount} ${sku}`);
            return true;
          },
        },
        Item: { __resolveReference: ({ sku }: { sku: string }) => ({ sku, name: 'lamp' }) },
      },
    },
    {
      name: 'orders',
      sdl: `${DIRECTIVES}
        type Query { open: Int }
        type Mutation {
          place(sku: ID!): Placed @compensate(with: "cancel", arguments: ["id: result.order.id"])
          book(sku: ID!): Order @idempotent @compensate(with: "cancel", arguments: ["id: result.id"])
          cancel(id: ID!): Order @idempotent
        }
        type Placed { order: Order!  note: String }
        type Order { id: ID!  item: Item! }
        type Item @key(fields: "sku", resolvable: false) { sku: ID! }`,
      resolvers: {
        Mutation: {
          place: (_: unknown, { sku }: { sku: string }) => {
            unlessRefused('place');
            const id = `o${++orders}`;
            effects.push(`ordered ${id}`);
            return { order: { id, item: { sku } }, note: 'soon' };
          },
          book: (_: unknown, { sku }: { sku: string }) => {
            unlessRefused('book');
            const id = `o${++orders}`;
            effects.push(`ordered ${id}`);
            return { id, item: { sku } };
          },
          cancel: (_: unknown, { id }: { id: string }) => {
            unlessRefused('cancel');
            take(`ordered ${id}`);
            return { id, item: { sku: 'x' } };
          },
        },
      },
    },
    {
      name: 'parcels',
      sdl: `${DIRECTIVES}
        type Query { sent: Int }
        type Mutation { ship(sku: ID!): String }`,
      resolvers: {
        Mutation: {
          ship: (_: unknown, { sku }: { sku: string }) => {
            unlessRefused('ship');
            effects.push(`shipped ${sku}`);
            return 'parcel';
          },
        },
      },
    },
  ];
  return { ...createWorld(services), effects, refuses };
}
