-- Adds what a call cost at the provider beside what its user pays, the prices both come from, and users' keys at LiteLLM. Rows that are there stay
-- as they are: they were billed with an amount that the caller worked out.

-- 1. Two costs on each usage ------------------------------------------------------------------------------------------------------------

ALTER TABLE llm_usage
    ALTER COLUMN user_id DROP NOT NULL,
    ALTER COLUMN balance_after_cents DROP NOT NULL,
    ADD COLUMN price_version bigint,
    ADD COLUMN virtual_key_id uuid,
    ADD COLUMN reviewed_at timestamptz,
    ADD COLUMN review_hash bigint,
    ADD COLUMN cache_read_tokens integer,
    ADD COLUMN cache_write_tokens integer,
    ADD COLUMN reasoning_tokens integer,
    ADD COLUMN provider text,
    ADD COLUMN markup_factor numeric,
    ADD COLUMN usage jsonb,
    ADD COLUMN source_system text NOT NULL DEFAULT 'api',
    ADD COLUMN external_id text,
    ADD COLUMN review_reason text,
    ADD COLUMN reviewed_by text,
    ADD COLUMN review_note text,
    ADD COLUMN review_key text,
    ADD COLUMN review_balance_cents numeric(20,7);

-- NaN is above every number, infinity included, so that one comparison keeps both out. least() passes over what is NULL.
ALTER TABLE llm_usage
    DROP CONSTRAINT ck_llm_usage_billing_status,
    DROP CONSTRAINT ck_llm_usage_tokens,
    ADD CONSTRAINT ck_llm_usage_tokens CHECK (
        least(prompt_tokens, completion_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens) >= 0),
    ADD CONSTRAINT ck_llm_usage_cost CHECK (provider_cost_usd >= 0 AND provider_cost_usd < 'Infinity'),
    ADD CONSTRAINT ck_llm_usage_markup CHECK (markup_factor >= 0 AND markup_factor < 'Infinity'),
    ADD CONSTRAINT ck_llm_usage_billing_status CHECK (CASE billing_status
        WHEN 'billed' THEN user_price_cents IS NOT NULL AND user_id IS NOT NULL
        WHEN 'needs_review' THEN user_price_cents IS NULL AND transaction_id IS NULL AND review_reason IS NOT NULL AND reviewed_at IS NULL
        WHEN 'waived' THEN user_price_cents IS NULL AND transaction_id IS NULL AND reviewed_at IS NOT NULL
        ELSE false END);

CREATE INDEX ix_llm_usage_review ON llm_usage (created_at, id) WHERE billing_status = 'needs_review';
CREATE INDEX ix_llm_usage_reviewed_at ON llm_usage (reviewed_at) WHERE reviewed_at IS NOT NULL;
-- Reports ask for a span of time. Rows lie nearly in that order, so that a note per block range is enough, and costs next to nothing to keep.
CREATE INDEX ix_llm_usage_occurred_at ON llm_usage USING brin (occurred_at) WITH (autosummarize = on);

-- 2. R15: what a usage cost is written once ---------------------------------------------------------------------------------------------

CREATE FUNCTION llm_usage_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What a usage cost is written once, and a usage is never deleted (R15): % on llm_usage is refused.', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER tr_llm_usage_written_once BEFORE UPDATE ON llm_usage FOR EACH ROW WHEN (
    (OLD.provider_cost_usd IS NOT NULL AND NEW.provider_cost_usd IS DISTINCT FROM OLD.provider_cost_usd)
    OR (OLD.provider IS NOT NULL AND NEW.provider IS DISTINCT FROM OLD.provider)
    OR (OLD.user_price_cents IS NOT NULL AND NEW.user_price_cents IS DISTINCT FROM OLD.user_price_cents)
    OR (OLD.markup_factor IS NOT NULL AND NEW.markup_factor IS DISTINCT FROM OLD.markup_factor)
    OR (OLD.price_version IS NOT NULL AND NEW.price_version IS DISTINCT FROM OLD.price_version)
    OR (OLD.transaction_id IS NOT NULL AND NEW.transaction_id IS DISTINCT FROM OLD.transaction_id)
    OR (OLD.billing_status <> 'needs_review' AND NEW.billing_status IS DISTINCT FROM OLD.billing_status))
    EXECUTE FUNCTION llm_usage_refuse_change();

CREATE TRIGGER tr_llm_usage_kept BEFORE DELETE OR TRUNCATE ON llm_usage
    FOR EACH STATEMENT EXECUTE FUNCTION llm_usage_refuse_change();

-- The rules hold for restored and replicated sessions too.
ALTER TABLE llm_usage ENABLE ALWAYS TRIGGER tr_llm_usage_written_once;
ALTER TABLE llm_usage ENABLE ALWAYS TRIGGER tr_llm_usage_kept;

-- 3. New tables -------------------------------------------------------------------------------------------------------------------------

CREATE TABLE usage_aliases (
    usage_id       uuid NOT NULL,
    source_system  text COLLATE "C" NOT NULL,
    external_id    text COLLATE "C" NOT NULL,
    CONSTRAINT pk_usage_aliases PRIMARY KEY (source_system, external_id)
);

CREATE TABLE provider_usage_costs (
    provider            text COLLATE "C" NOT NULL CONSTRAINT pk_provider_usage_costs PRIMARY KEY,
    cost_usd            numeric NOT NULL CONSTRAINT ck_provider_usage_costs_cost CHECK (cost_usd >= 0 AND cost_usd < 'Infinity'),
    written_down_cents  numeric(30,7) NOT NULL CONSTRAINT ck_provider_usage_costs_written_down CHECK (
        written_down_cents >= 0 AND written_down_cents < 'Infinity')
) WITH (fillfactor = 20);

CREATE TABLE price_versions (
    version       bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY CONSTRAINT pk_price_versions PRIMARY KEY,
    valid_from    timestamptz NOT NULL,
    imported_at   timestamptz NOT NULL,
    content_hash  bytea NOT NULL,
    source        text NOT NULL,
    imported_by   text NOT NULL,
    added         integer NOT NULL,
    changed       integer NOT NULL,
    gone          integer NOT NULL
);

CREATE TABLE model_prices (
    version                    bigint NOT NULL CONSTRAINT fk_model_prices_version REFERENCES price_versions,
    valid_from                 timestamptz,
    model                      text COLLATE "C" NOT NULL,
    provider                   text,
    input_usd_per_token        numeric NOT NULL,
    output_usd_per_token       numeric NOT NULL,
    cache_read_usd_per_token   numeric,
    cache_write_usd_per_token  numeric,
    reasoning_usd_per_token    numeric,
    is_gone                    boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_model_prices PRIMARY KEY (model, version),
    CONSTRAINT ck_model_prices_usd CHECK (
        least(input_usd_per_token, output_usd_per_token, cache_read_usd_per_token, cache_write_usd_per_token, reasoning_usd_per_token) >= 0
        AND greatest(input_usd_per_token, output_usd_per_token, cache_read_usd_per_token, cache_write_usd_per_token, reasoning_usd_per_token) < 'Infinity')
);

CREATE FUNCTION model_prices_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Prices are never changed once they are active (R18): import new ones that begin after them, instead of % on %.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER tr_model_prices_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON model_prices
    FOR EACH STATEMENT EXECUTE FUNCTION model_prices_refuse_change();

CREATE TRIGGER tr_price_versions_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON price_versions
    FOR EACH STATEMENT EXECUTE FUNCTION model_prices_refuse_change();

ALTER TABLE model_prices ENABLE ALWAYS TRIGGER tr_model_prices_immutable;
ALTER TABLE price_versions ENABLE ALWAYS TRIGGER tr_price_versions_immutable;

CREATE TABLE virtual_keys (
    id              uuid NOT NULL CONSTRAINT pk_virtual_keys PRIMARY KEY,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    revoked_at      timestamptz,
    expires_at      timestamptz,
    checked_at      timestamptz,
    user_id         text COLLATE "C" NOT NULL,
    label           text NOT NULL,
    alias           text COLLATE "C" NOT NULL CONSTRAINT uq_virtual_keys_alias UNIQUE,
    key_hash        text COLLATE "C" CONSTRAINT uq_virtual_keys_key_hash UNIQUE,
    key_name        text,
    models          text[],
    max_budget_usd  numeric CONSTRAINT ck_virtual_keys_max_budget CHECK (max_budget_usd >= 0 AND max_budget_usd < 'Infinity'),
    status          text NOT NULL CONSTRAINT ck_virtual_keys_status CHECK (status IN ('creating', 'active', 'revoking', 'revoked', 'failed')),
    is_blocked      boolean NOT NULL DEFAULT false,
    created_by      text NOT NULL,
    last_error      text
);

CREATE INDEX ix_virtual_keys_user_id ON virtual_keys (user_id);

CREATE TABLE litellm_outbox (
    id               bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY CONSTRAINT pk_litellm_outbox PRIMARY KEY,
    virtual_key_id   uuid NOT NULL CONSTRAINT fk_litellm_outbox_virtual_key REFERENCES virtual_keys,
    created_at       timestamptz NOT NULL,
    next_attempt_at  timestamptz NOT NULL,
    attempts         integer NOT NULL DEFAULT 0,
    action           text NOT NULL CONSTRAINT ck_litellm_outbox_action CHECK (action IN ('block', 'unblock', 'delete')),
    last_error       text
);

CREATE INDEX ix_litellm_outbox_virtual_key ON litellm_outbox (virtual_key_id, id);

ALTER TABLE api_keys
    ADD COLUMN may_overdraw boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT ck_api_keys_may_overdraw CHECK (NOT may_overdraw OR role IN ('bot', 'admin'));

-- 4. What is not obvious ----------------------------------------------------------------------------------------------------------------

COMMENT ON COLUMN llm_usage.user_id IS 'Who pays; NULL while nobody knows, which is a reason to review.';
COMMENT ON COLUMN llm_usage.provider IS 'Who was called and charges for it: as reported, or as the price book has it for the model.';
COMMENT ON COLUMN llm_usage.provider_cost_usd IS 'What the provider charges, in US dollars, exact; NULL is unknown, 0 is free. Written once (R15).';
COMMENT ON COLUMN llm_usage.user_price_cents IS 'What the user pays, in cents; NULL until billed. Written once (R15).';
COMMENT ON COLUMN llm_usage.markup_factor IS 'User price / provider cost; NULL when the caller worked the price out. Written once (R15).';
COMMENT ON COLUMN llm_usage.price_version IS 'The version of the price book that gave the cost; NULL when it came from elsewhere. Written once (R15).';
COMMENT ON COLUMN llm_usage.prompt_tokens IS 'All tokens sent, those read from and written to the cache included.';
COMMENT ON COLUMN llm_usage.completion_tokens IS 'All tokens generated, those of reasoning included.';
COMMENT ON COLUMN llm_usage.usage IS 'The provider''s own account of the call, as reported.';
COMMENT ON COLUMN llm_usage.billing_status IS 'billed: paid by the user; needs_review: recorded alone, no money moved; waived: reviewed, and nobody pays (R16).';
COMMENT ON COLUMN llm_usage.source_system IS 'Who reported it: api, or the system whose calls are taken in.';
COMMENT ON COLUMN llm_usage.external_id IS 'The first of its ids at that system; usage_aliases has all (R17).';
COMMENT ON COLUMN llm_usage.virtual_key_id IS 'The key at LiteLLM that the call was made with.';
COMMENT ON COLUMN llm_usage.balance_after_cents IS 'The balance in the first answer, which a replay repeats; NULL without a user.';
COMMENT ON COLUMN llm_usage.review_reason IS 'Why it could not be billed when it was reported.';
COMMENT ON COLUMN llm_usage.review_note IS 'What the reviewer said of it: the reason of a waiver.';
COMMENT ON COLUMN llm_usage.review_key IS 'The idempotency key of the review, if it had one: the same review again gets its first answer.';
COMMENT ON COLUMN llm_usage.review_hash IS 'First 64 bits of the SHA-256 over the review''s request.';
COMMENT ON COLUMN llm_usage.review_balance_cents IS 'The balance in the review''s answer, which a replay of the review repeats.';
COMMENT ON TABLE usage_aliases IS 'The ids under which another system may report a usage: one call is one usage under each of them (R17).';
COMMENT ON TABLE provider_usage_costs IS 'What all usage of a provider cost and how much of that was written down, kept in the commits of both (R19).';
COMMENT ON COLUMN provider_usage_costs.cost_usd IS 'The sum of provider_cost_usd over the provider''s usages, in US dollars, exact.';
COMMENT ON COLUMN provider_usage_costs.written_down_cents IS 'How much of it has been booked, in cents; what is below the smallest unit is carried over.';
COMMENT ON TABLE price_versions IS 'One import of prices each. What is active is never changed: newer versions begin after it (R18).';
COMMENT ON COLUMN price_versions.content_hash IS 'SHA-256 of what was imported.';
COMMENT ON TABLE model_prices IS 'What a provider charges for a model, in US dollars per token, one row per version in which that changed.';
COMMENT ON COLUMN model_prices.valid_from IS 'When it begins; NULL is from the beginning of time.';
COMMENT ON COLUMN model_prices.provider IS 'Whose model it is; NULL when that is not known.';
COMMENT ON COLUMN model_prices.is_gone IS 'From its time on the model has no price; the prices are the last it had.';
COMMENT ON COLUMN api_keys.may_overdraw IS 'Whether it may record calls that are paid for already when the user''s balance is used up.';
COMMENT ON TABLE virtual_keys IS 'Users'' keys at LiteLLM. The secret is not kept: only its hash, a masked name and our alias.';
COMMENT ON COLUMN virtual_keys.alias IS 'Our name of the key at LiteLLM, by which a key whose answer was lost is found.';
COMMENT ON COLUMN virtual_keys.key_hash IS 'LiteLLM''s hash of the secret, which it names in what it reports; NULL until it is known.';
COMMENT ON COLUMN virtual_keys.is_blocked IS 'Whether LiteLLM has confirmed that it is blocked. The outbox says what LiteLLM does not know yet (R20).';
COMMENT ON COLUMN virtual_keys.checked_at IS 'When LiteLLM was last asked about it; NULL when it should be asked soon.';
COMMENT ON TABLE litellm_outbox IS 'What LiteLLM has still to be told, in order per key; written in the posting''s commit, deleted when done (R20).';
