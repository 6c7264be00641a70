// An idempotency store: the answer is written with its key in the transaction of the effect.
import { createHash } from 'node:crypto';
import { GraphQLError } from 'graphql';

/**
 * @returns `once(request, field, effect)`: runs the effect in a transaction, or gives the answer of the first time
 *
 * A key belongs to one request: with another body it is refused, so that a client's mistake cannot pass for a repeat.
 * Keys may be deleted once nobody repeats them any more; a week is plenty.
 */
export async function createOnce(db) {
  await db.exec(`
    create table if not exists idempotency_keys (
      key text primary key, request_hash text not null, answer jsonb, created_at timestamptz not null default now())`);

  return async function once({ idempotencyKey, body }, field, effect) {
    if (idempotencyKey === null) return db.transaction(effect);
    // One request may hold several fields: each has an answer of its own.
    const key = `${idempotencyKey}/${field}`;
    const hash = createHash('sha256').update(body).digest('hex');
    return db.transaction(async (tx) => {
      // A repeat that comes while the first one runs waits here for its end.
      const { affectedRows } = await tx.query('insert into idempotency_keys (key, request_hash) values ($1, $2) on conflict do nothing', [
        key,
        hash,
      ]);
      if (affectedRows === 0) {
        const { rows } = await tx.query('select request_hash, answer from idempotency_keys where key = $1', [key]);
        if (rows[0].request_hash !== hash)
          throw new GraphQLError('this Idempotency-Key came with another request', { extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } });
        return rows[0].answer;
      }
      const answer = await effect(tx);
      await tx.query('update idempotency_keys set answer = $2 where key = $1', [key, JSON.stringify(answer)]);
      return answer;
    });
  };
}
