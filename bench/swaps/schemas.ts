const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])';

export const SDL = {
  items: `${LINK}
    type Query { items: [Item!]! }
    type Subscription { ticks(group: Int!): Tick! }
    type Tick { sequence: Int! item: Item! }
    type Item @key(fields: "id") { id: ID! name: String! }`,
  notes: `${LINK}
    type Item @key(fields: "id") { id: ID! note: String! }`,
};
