interface Product {
  id: string;
  name: string;
  price: number;
}
interface Review {
  text: string;
}

export async function fetchProducts(): Promise<Product[]> {
  const { products } = await ask<{ products: Product[] }>('PRODUCTS_URL', '{ products { id name price } }');
  return products;
}

export async function fetchReviews(ids: readonly string[]): Promise<Review[][]> {
  const representations = ids.map((id) => ({ __typename: 'Product', id }));
  const { _entities } = await ask<{ _entities: { reviews: Review[] }[] }>(
    'REVIEWS_URL',
    'query($representations: [_Any!]!) { _entities(representations: $representations) { ... on Product { reviews { text } } } }',
    { representations },
  );
  return _entities.map(({ reviews }) => reviews);
}

async function ask<Data>(service: string, query: string, variables: object = {}): Promise<Data> {
  const answer = await fetch(process.env[service] as string, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data } = (await answer.json()) as { data: Data };
  return data;
}
