-- Makes the indexes of a usage smaller: they took half as much again as its rows. No row changes, and no rule: docs/decisions/0007-narrow-indexes.md.

-- 1. R9: a user's request ids, once each ------------------------------------------------------------------------------------------------

-- A hash index keeps 4 bytes of each key where a B-tree keeps both texts. Keys of the same hash are compared in their rows, so that the rule is as exact
-- as before. No user id has a space in it: different pairs make different texts. A usage without a user has no key, as NULL joined to text is NULL.
ALTER TABLE llm_usage
    DROP CONSTRAINT uq_llm_usage_user_request,
    ADD CONSTRAINT uq_llm_usage_user_request EXCLUDE USING hash ((user_id || ' ' || request_id) WITH =) WITH (fillfactor = 90);

-- 2. Entries by transaction -------------------------------------------------------------------------------------------------------------

-- Ids of transactions grow with time, and so lie in the order of the rows: the least and the greatest of each block range say where one is. Adopted
-- entries may have ids that are random; then every range may hold every id, and the B-tree stays.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_entries WHERE id <= (SELECT last_entry_id FROM ledger_origin) AND substr(transaction_id::text, 15, 1) <> '7') THEN
        DROP INDEX ix_ledger_entries_transaction_id;
        CREATE INDEX ix_ledger_entries_transaction_id ON ledger_entries USING brin (transaction_id) WITH (autosummarize = on);
    END IF;
END $$;

-- 3. Indexes that only grow at their end ------------------------------------------------------------------------------------------------

-- Nothing comes between what is on a page, so that no room is left there for it. This is for pages to come; those that are there stay as they are.
DO $$
DECLARE
    key text;
BEGIN
    FOR key IN SELECT conindid::regclass FROM pg_constraint
            WHERE contype = 'p' AND conrelid IN ('ledger_entries'::regclass, 'budget_transactions'::regclass, 'llm_usage'::regclass) LOOP
        EXECUTE format('ALTER INDEX %s SET (fillfactor = 100)', key);
    END LOOP;
END $$;

-- 4. What is not obvious ----------------------------------------------------------------------------------------------------------------

COMMENT ON CONSTRAINT uq_llm_usage_user_request ON llm_usage IS 'A user''s request ids, once each (R9). What looks a usage up by them has to use the same expression.';
