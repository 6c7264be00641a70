// Orders in a database of their own. `@idempotent` in the schema is a promise: a repeat of an Idempotency-Key has no second effect and
// gets the first answer. `once` keeps it.
import { PGlite } from '@electric-sql/pglite';
import { GraphQLError } from 'graphql';
import { serve } from '../serve.js';
import { createOnce } from './once.js';

/** In memory, or in a folder that outlives the process. */
const db = new PGlite(process.env.ORDERS_DATA);
await db.exec(`
  create table if not exists orders (id bigint generated always as identity primary key, sku text not null, quantity int not null)`);
const once = await createOnce(db);

const toOrder = ({ id, sku, quantity }) => ({ id: String(id), quantity, product: { __typename: 'Product', sku } });

await serve({
  name: 'orders',
  port: Number(process.env.PORT ?? 4102),
  schema: new URL('./schema.graphql', import.meta.url),
  resolvers: {
    Query: { orders: async () => (await db.query('select * from orders order by id')).rows.map(toOrder) },
    Order: {
      __resolveReference: async ({ id }) => (await db.query('select * from orders where id = $1', [id])).rows.map(toOrder)[0] ?? null,
    },
    Mutation: {
      placeOrder: (_, { sku, quantity }, request, { path }) =>
        once(request, path.key, async (tx) => {
          if (quantity < 1 || quantity > 5)
            throw new GraphQLError(`quantity: expected 1 to 5, got ${quantity}`, { extensions: { code: 'BAD_USER_INPUT' } });
          const { rows } = await tx.query('insert into orders (sku, quantity) values ($1, $2) returning *', [sku, quantity]);
          return toOrder(rows[0]);
        }),
      // An undo finds it normal that there is nothing to undo.
      cancelOrder: (_, { id }, request, { path }) =>
        once(request, path.key, async (tx) => {
          await tx.query('delete from orders where id = $1', [id]);
          return id;
        }),
    },
  },
});
