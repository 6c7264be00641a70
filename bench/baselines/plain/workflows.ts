// The two-service query as one would write it by hand after Temporal's samples: a workflow of two regular activities.
import { proxyActivities } from '@temporalio/workflow';
import type * as activities from './activities.js';

const { fetchProducts, fetchReviews } = proxyActivities<typeof activities>({ startToCloseTimeout: '1 minute' });

export async function productsWithReviews(): Promise<object> {
  const products = await fetchProducts();
  const reviews = await fetchReviews(products.map(({ id }) => id));
  return { products: products.map((product, index) => ({ ...product, reviews: reviews[index] })) };
}
