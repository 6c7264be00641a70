// What is for sale. It only reads, so it needs nothing for durable work.
import { serve } from '../serve.js';

const PRODUCTS = [
  { sku: 'tea', name: 'Green tea', price: 450 },
  { sku: 'cup', name: 'Cup', price: 900 },
];

await serve({
  name: 'catalog',
  port: Number(process.env.PORT ?? 4101),
  schema: new URL('./schema.graphql', import.meta.url),
  resolvers: {
    Query: { products: () => PRODUCTS },
    Product: { __resolveReference: ({ sku }) => PRODUCTS.find((product) => product.sku === sku) ?? null },
  },
});
