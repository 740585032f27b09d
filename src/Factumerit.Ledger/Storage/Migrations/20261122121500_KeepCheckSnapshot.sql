-- A check looks at the budgets that changed since the last clean one, and not at all of them each time. What changed after a snapshot was taken has the id of
-- a transaction that was not over by then. Nothing that is stored changes; a checkpoint of before has neither id, and the next check looks at all once.

ALTER TABLE ledger_checkpoint
    ADD COLUMN unseen_from xid8,
    ADD COLUMN written_by xid8;

COMMENT ON COLUMN ledger_checkpoint.unseen_from IS 'The first transaction that was not over when the check took its snapshot.';
COMMENT ON COLUMN ledger_checkpoint.written_by IS 'The transaction that wrote this row. Where xmin is another, as after a restore from a dump, unseen_from means nothing.';
