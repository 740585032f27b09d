// The tour of the README by a client whose types are generated from the API's own document.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import createClient from 'openapi-fetch';
import type { paths } from './api.js';

const client = createClient<paths>({
  baseUrl: process.env['FACTUMERIT_URL']!.replace(/\/$/, ''),
  headers: { Authorization: `Bearer ${process.env['FACTUMERIT_API_KEY']}` },
});
const user = `tour:${randomUUID()}`;
const key = () => ({ header: { 'Idempotency-Key': randomUUID() } });

const purchase = await client.POST('/purchases', { params: key(), body: { credits_cents: 2500, sales_tax_cents: 259, invoice: 'INV-2026-001' } });
assert.equal(purchase.data?.total_cents, 2759);

const signup = await client.POST('/users', { body: { user_id: user, initial_credit_cents: 100 } });
assert.equal(signup.data?.balance_cents, 100);
const never: string | null | undefined = signup.data?.deleted_at;
assert.equal(never, null);

const usage = await client.POST('/usage', { body: { user_id: user, amount_cents: 0.0165, request_id: 'chatcmpl-8f2c', model: 'claude-sonnet-4' } });
assert.equal(usage.response.status, 201);
const status: 'billed' | 'needs_review' | 'waived' | undefined = usage.data?.billing_status;
assert.equal(status, 'billed');

await client.POST('/usage', { body: { user_id: user, amount_cents: 200, request_id: 'chatcmpl-91aa' } });
const refused = await client.POST('/usage', { body: { user_id: user, amount_cents: 1, request_id: 'chatcmpl-91ab' } });
assert.equal(refused.response.status, 402);
assert.equal(refused.error?.code, 'insufficient-credit');
assert.equal(refused.error?.balance_cents, -100.0165);

const grant = await client.POST('/grants', { params: key(), body: { user_id: user, amount_cents: 500, reason: 'Top-up, order 1042' } });
assert.equal(grant.data?.budget.balance_cents, 399.9835);

// Exact decimals as text, which a double can't hold.
const text = await client.GET('/users/{user_id}', { params: { path: { user_id: user }, query: { money: 'string' } } });
assert.equal(String(text.data?.balance_cents), '399.9835');
assert.equal(typeof text.data?.balance_cents, 'string');

const books = await client.GET('/ledger/integrity');
assert.equal(books.data?.is_balanced, true);
console.log('The generated client made the tour.');
